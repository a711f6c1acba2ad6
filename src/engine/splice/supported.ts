/** Whether this machine can run the splice engine: asked without naming src/sys outside the engine. */
export { layoutsOf } from '../../sys/platform.js';
export { hasMainLoop } from '../../sys/uv.js';

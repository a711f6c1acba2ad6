/** What the commands that speak to running instances do. */
export { complete } from './complete.js';
export { completion } from './completion.js';
export { inspect } from './inspect.js';
export { logs } from './logs.js';
export { ls } from './ls.js';
export { port } from './port.js';
export { publish, unpublish } from './publish.js';
export { stop } from './stop.js';

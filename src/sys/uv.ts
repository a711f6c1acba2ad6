/** <uv.h>, which Node carries in its own executable. */
import { openFfi } from './ffi.js';

/** The epoll descriptor of the main thread's event loop: readable when the loop has something to do, timers apart. */
export function nodeLoopDescriptor(): number {
  const ffi = openFfi();
  const loop = ffi.call('uv_default_loop', 'int64_t', [])();
  return ffi.call('uv_backend_fd', 'int', ['int64_t'])(loop);
}

/**
 * <uv.h>: the main thread's own event loop, whose functions Node exports for its addons. These calls are stable within
 * libuv 1 (docs.libuv.org, "Versioning"). Main thread only: the default loop is its.
 */
import { openFfi } from './ffi.js';

/** What it takes to sleep in Node's place. */
export interface MainLoop {
  /** Readable while something waits for Node's loop: an epoll descriptor of libuv's (uv_backend_fd). */
  readonly descriptor: number;
  /** How long Node's loop would sleep now if nothing came, in milliseconds; 0 where it would not, -1 for ever. */
  readonly sleepMs: () => number;
}

/** False where this Node, built another way, keeps its loop to itself. */
export function hasMainLoop(): boolean {
  try {
    openFfi().call('uv_backend_timeout', 'int', ['int64_t']);
    return true;
  } catch {
    return false;
  }
}

/** @throws Error where this Node does not export what it takes */
export function mainLoop(): MainLoop {
  const ffi = openFfi();
  const loop = ffi.call('uv_default_loop', 'int64_t', [])();
  const backendTimeout = ffi.call('uv_backend_timeout', 'int', ['int64_t']);
  const updateTime = ffi.call('uv_update_time', 'int', ['int64_t']);
  return {
    descriptor: ffi.call('uv_backend_fd', 'int', ['int64_t'])(loop),
    sleepMs: () => {
      // It reckons with the time at which it last woke.
      updateTime(loop);
      return backendTimeout(loop);
    },
  };
}

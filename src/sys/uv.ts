/**
 * <uv.h>: the main thread's own event loop, whose functions Node exports for its addons. These calls and the layout of
 * their arguments are stable within libuv 1 (docs.libuv.org, "Versioning"). Main thread only: the default loop is its.
 */
import { SystemCallError } from './errno.js';
import { openFfi } from './ffi.js';
import { mapRegion, type Region } from './mman.js';

const UV_POLL = 8;
const UV_READABLE = 1;
const RTLD_DEFAULT = 0;

/** What uv calls when the descriptor is ready: a function of its own that takes a handle and does nothing. */
const harmlessCallback = 'uv_is_active';

/** False where this Node, built another way, keeps its loop to itself. */
export function canWakeMainLoop(): boolean {
  try {
    openFfi().call('uv_poll_start', 'int', ['int64_t', 'int', 'int64_t']);
    return true;
  } catch {
    return false;
  }
}

/**
 * Has the loop wake for as long as a descriptor is readable, and keep the process alive until `stop`. Nothing is called:
 * whoever waits has an immediate pending, which runs after every wake.
 *
 * @throws Error where this Node does not export what it takes, or the loop would not watch the descriptor
 */
export function wakeMainLoopFor(descriptor: number): { readonly stop: () => void } {
  const ffi = openFfi();
  const handleBytes = ffi.call('uv_handle_size', 'int64_t', ['int'])(UV_POLL);
  const loop = ffi.call('uv_default_loop', 'int64_t', [])();
  const init = ffi.call('uv_poll_init', 'int', ['int64_t', 'int64_t', 'int']);
  const start = ffi.call('uv_poll_start', 'int', ['int64_t', 'int', 'int64_t']);
  const close = ffi.call('uv_close', 'int', ['int64_t', 'int64_t']);
  // Never given back: the loop looks at a handle once more after it was closed.
  const handle = mapRegion(Math.max(handleBytes, 4096));
  checkedUv('uv_poll_init', init(loop, handle.address, descriptor));
  checkedUv('uv_poll_start', start(handle.address, UV_READABLE, symbolAddress(handle)));
  return { stop: () => void close(handle.address, 0) };
}

/** Looked up by name, which needs a string in memory: the end of the handle's page serves for the call. */
function symbolAddress({ address, buffer }: Region): number {
  const name = new TextEncoder().encode(`${harmlessCallback}\0`);
  const offset = buffer.byteLength - name.length;
  new Uint8Array(buffer).set(name, offset);
  const found = openFfi().call('dlsym', 'int64_t', ['int64_t', 'int64_t'])(RTLD_DEFAULT, address + offset);
  if (found === 0) throw new Error(`this Node does not export ${harmlessCallback}`);
  return found;
}

/** libuv's errors are errnos below zero. */
function checkedUv(call: string, result: number): void {
  if (result < 0) throw new SystemCallError(call, -result);
}

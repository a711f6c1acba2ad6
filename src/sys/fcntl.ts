/** <fcntl.h>: open, pipes, splice and their flags. */
import { openFfi } from './ffi.js';

export const O_RDONLY = 0;
export const O_CLOEXEC = 0o2000000;
export const O_NONBLOCK = 0o4000;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;

export function fcntl() {
  const ffi = openFfi();
  return {
    /** (path, flags): for files that are there already, since a mode would have to be given otherwise. */
    open: ffi.call('open', 'int', ['int64_t', 'int']),
    /** (int descriptors[2], flags) */
    pipe2: ffi.call('pipe2', 'int', ['int64_t', 'int']),
    /** (from, 0, to, 0, length, flags): a socket and a pipe have no offsets. */
    splice: ffi.call('splice', 'int64_t', ['int', 'int64_t', 'int', 'int64_t', 'int64_t', 'uint32_t']),
    fcntl: ffi.call('fcntl', 'int', ['int', 'int', 'int64_t']),
  };
}

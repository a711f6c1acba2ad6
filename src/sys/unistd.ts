/** <unistd.h> */
import { openFfi } from './ffi.js';

export function unistd() {
  const ffi = openFfi();
  return {
    read: ffi.call('read', 'int64_t', ['int', 'int64_t', 'int64_t']),
    write: ffi.call('write', 'int64_t', ['int', 'int64_t', 'int64_t']),
    close: ffi.call('close', 'int', ['int']),
    /** (from, to, flags): `to` is what `from` is, in one step and under its own number. */
    dup3: ffi.call('dup3', 'int', ['int', 'int', 'int']),
  };
}

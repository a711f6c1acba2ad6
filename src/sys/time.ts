/** <time.h> */
import { openFfi } from './ffi.js';

/** The processor time of the calling thread (clock_gettime(2)). */
export const CLOCK_THREAD_CPUTIME_ID = 3;

export function time() {
  return {
    /** (clock, timespec): seconds and nanoseconds, 64 bits each. */
    clock_gettime: openFfi().call('clock_gettime', 'int', ['int', 'int64_t']),
  };
}

/** <time.h> */
import { openFfi } from './ffi.js';

/** The processor time of the calling thread (clock_gettime(2)). */
export const CLOCK_THREAD_CPUTIME_ID = 3;

export function time() {
  return {
    /** (clock, timespec), which `timespecMs` reads. */
    clock_gettime: openFfi().call('clock_gettime', 'int', ['int', 'int64_t']),
  };
}

/** A struct timespec, seconds and nanoseconds of 64 bits each, in milliseconds. */
export function timespecMs(view: DataView, offset: number): number {
  return Number(view.getBigInt64(offset, true)) * 1e3 + Number(view.getBigInt64(offset + 8, true)) / 1e6;
}

/** <sys/resource.h> */
import { checked } from './errno.js';
import { openFfi } from './ffi.js';
import { mapRegion, unmapRegion } from './mman.js';

const RLIMIT_NOFILE = 7;

/** Lowers (or, with the right, raises) this process's limit of open files, soft and hard. */
export function setOpenFilesLimit(most: number): void {
  const region = mapRegion(4096);
  new Float64Array(region.buffer).fill(0);
  const words = new Uint32Array(region.buffer);
  words[0] = most;
  words[2] = most;
  checked('setrlimit', openFfi().call('setrlimit', 'int', ['int', 'int64_t'])(RLIMIT_NOFILE, region.address));
  unmapRegion(region);
}

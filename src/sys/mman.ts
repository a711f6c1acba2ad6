/** <sys/mman.h>: memory that system calls can be given the address of. */
import { SystemCallError } from './errno.js';
import { openFfi } from './ffi.js';

const PROT_READ_WRITE = 0x3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** A mapped region: its address for calls, its bytes for us. It lives as long as the process. */
export interface Region {
  readonly address: number;
  readonly buffer: ArrayBuffer;
}

/** Pages are given by the kernel when first touched, so an ample region costs only what is used of it. */
export function mapRegion(bytes: number): Region {
  const ffi = openFfi();
  const mmap = ffi.call('mmap', 'int64_t', ['int64_t', 'int64_t', 'int', 'int', 'int', 'int64_t']);
  const address = mmap(0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (address === -1) throw new SystemCallError('mmap', ffi.errno());
  return { address, buffer: ffi.view(address, bytes) };
}

/** Gives the memory back; nothing may look at the region any more. */
export function unmapRegion({ address, buffer }: Region): void {
  openFfi().call('munmap', 'int', ['int64_t', 'int64_t'])(address, buffer.byteLength);
}

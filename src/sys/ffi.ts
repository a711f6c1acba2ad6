/**
 * The seam to the foreign-function library, and the only file that names it. A call takes integers and gives an
 * integer: no strings, structures or Buffers cross here, which is what makes a call cost little more than in C.
 * Addresses are numbers: user space ends at 2^47, well within a double's 53 bits.
 *
 * koffi is an optional dependency: where it is not installed, `openFfi` says so and the caller does without.
 */
import { createRequire } from 'node:module';
import type koffi from 'koffi';

/** C types that a call may have. */
export type CInt = 'int' | 'uint32_t' | 'int64_t';

export interface Ffi {
  /** A libc function; calling it with other than integers is not checked. */
  call(name: string, result: CInt, parameters: readonly CInt[]): (...values: number[]) => number;
  /** errno of this thread's last call. */
  errno(): number;
  /** Memory at an address, as an ArrayBuffer that does not own it. */
  view(address: number, bytes: number): ArrayBuffer;
}

let opened: Ffi | undefined;

/** @throws Error where koffi is not installed, or has no binary for this machine */
export function openFfi(): Ffi {
  opened ??= koffiFfi();
  return opened;
}

function koffiFfi(): Ffi {
  const library = createRequire(import.meta.url)('koffi') as typeof koffi;
  // null is the process itself, where libc is on glibc and on musl.
  const libc = library.load(null as unknown as string);
  return {
    call: (name, result, parameters) => libc.func(name, result, [...parameters]),
    errno: library.errno as () => number,
    view: (address, bytes) => library.view(address, bytes),
  };
}

/**
 * The seam to the foreign-function library, and the only file that names it. A call takes integers and gives an
 * integer: no strings, structures or Buffers cross here, which is what makes a call cost little more than in C.
 * Addresses are numbers: user space ends at 2^47, well within a double's 53 bits.
 *
 * koffi is an optional dependency: where it is not installed, `openFfi` says so and the caller does without.
 */
import { createRequire } from 'node:module';
import type koffi from 'koffi';
import { messageOf } from '../errors.js';

/** C types that a call may have. */
export type CInt = 'int' | 'uint32_t' | 'int64_t';

export interface Ffi {
  /** A libc function, looked up once; calling it with other than integers is not checked. */
  call(name: string, result: CInt, parameters: readonly CInt[]): (...values: number[]) => number;
  /** errno of this thread's last call. */
  errno(): number;
  /** Memory at an address, as an ArrayBuffer that does not own it. */
  view(address: number, bytes: number): ArrayBuffer;
}

/** What the version begins with that has the calls used here, as package.json asks for. */
const koffiVersion = '3.';

let opened: Ffi | undefined;

/** @throws Error where koffi is not installed, or has no binary for this machine */
export function openFfi(): Ffi {
  opened ??= koffiFfi();
  return opened;
}

function koffiFfi(): Ffi {
  const library = loadKoffi();
  // null is the process itself, where libc is on glibc and on musl.
  const libc = library.load(null as unknown as string);
  // Not only for speed: koffi aborts the process where a thread is ended while it looks up a function.
  const calls = new Map<string, (...values: number[]) => number>();
  return {
    call: (name, result, parameters) => {
      const call = calls.get(name) ?? libc.func(name, result, [...parameters]);
      calls.set(name, call);
      return call;
    },
    errno: library.errno as () => number,
    view: (address, bytes) => library.view(address, bytes),
  };
}

/**
 * koffi looks for its binary under many names, which takes 3 ms of each start and of each thread. The package that has the
 * binary of this machine is asked for that first; where it cannot be seen from here, koffi itself finds it.
 */
function loadKoffi(): typeof koffi {
  const require = createRequire(import.meta.url);
  return binaryOf(require) ?? wholeKoffi(require);
}

function binaryOf(require: NodeJS.Require): typeof koffi | undefined {
  try {
    const binary = require(`@koromix/koffi-${process.platform}-${process.arch}`) as typeof koffi;
    return binary.version.startsWith(koffiVersion) ? binary : undefined;
  } catch {
    return undefined;
  }
}

function wholeKoffi(require: NodeJS.Require): typeof koffi {
  try {
    return require('koffi') as typeof koffi;
  } catch (error) {
    const why = messageOf(error).split('\n', 1)[0];
    throw new Error(`koffi, by which it calls the system, does not load (${why}): npm install koffi`, {
      cause: error,
    });
  }
}

/**
 * Work inside another network namespace, from the calling thread.
 *
 * setns(2) changes the calling thread alone, and a socket stays in the namespace where it was made: a thread enters,
 * makes its socket, and comes back within one call, so that nothing else of it ever runs inside.
 *
 * Nobody holds a namespace open: it is opened, entered and closed each time. What a path stands for may therefore change
 * between two visits, and a namespace that everybody else has left is not kept by us. Only the thread's own stays
 * open, from its first visit on.
 */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { StrandedError } from '../errors.js';
import type { DescriptorSet } from './descriptor-set.js';
import { SystemCallError } from './errno.js';
import { fcntl, O_CLOEXEC, O_NONBLOCK, O_RDONLY } from './fcntl.js';
import { openFfi } from './ffi.js';
import { mapRegion, type Region } from './mman.js';
import { CLONE_NEWNET, sched } from './sched.js';
import { unistd } from './unistd.js';

/** The calls a visit makes; tests put in failures that cannot be had otherwise. */
export type NamespaceCalls = Pick<ReturnType<typeof fcntl>, 'open'> &
  Pick<ReturnType<typeof unistd>, 'close'> &
  ReturnType<typeof sched> & { errno(): number };

/** PATH_MAX, the closing zero among them (linux/limits.h). */
const pathBytes = 4096;
/** This thread's own; where it was when it first asked. */
const ownPath = '/proc/thread-self/ns/net';

/** Of one thread: it must not be used from another. */
export class NetworkNamespaces {
  #calls: NamespaceCalls | undefined;
  readonly #stranded: (error: StrandedError) => never;
  readonly #owned: DescriptorSet | undefined;
  /** Where paths are laid out; made when first needed, since most never need it. */
  #region: Region | undefined;
  #own = -1;

  /**
   * @param stranded what is done where the thread cannot come back
   * @param owned has the one descriptor that it holds: whoever sees the thread die can close that
   */
  constructor(calls?: NamespaceCalls, stranded = isMainThread ? endProcess : raise, owned?: DescriptorSet) {
    this.#calls = calls;
    this.#stranded = stranded;
    this.#owned = owned;
  }

  /**
   * Gives what `make` gives: a descriptor, or -1, which becomes the negative errno. So does a namespace that cannot be
   * opened or entered.
   *
   * @throws StrandedError where the thread could not come back; on the main thread that is the end of the process
   */
  make(path: string, make: () => number): number {
    const calls = this.#open();
    const entered = this.#enter(calls, this.#layOut(path));
    if (entered < 0) return entered;
    const made = make();
    const result = made < 0 ? -calls.errno() : made;
    this.#leave(calls);
    return result;
  }

  /**
   * The same for work of any kind, off the hot path.
   *
   * @throws SystemCallError where the namespace cannot be opened or entered, and whatever `work` throws
   * @throws StrandedError where the thread could not come back; on the main thread that is the end of the process
   */
  within<T>(path: string, work: () => T): T {
    const calls = this.#open();
    const entered = this.#enter(calls, this.#layOut(path));
    if (entered < 0) throw new SystemCallError(`entering ${path}`, -entered);
    try {
      return work();
    } finally {
      this.#leave(calls);
    }
  }

  /** Closes the one descriptor that it holds. */
  close(): void {
    if (this.#own < 0) return;
    this.#owned?.delete(this.#own);
    this.#open().close(this.#own);
    this.#own = -1;
  }

  /** Looked up when first needed: most threads never leave their namespace. */
  #open(): NamespaceCalls {
    this.#calls ??= { ...fcntl(), ...unistd(), ...sched(), errno: openFfi().errno };
    return this.#calls;
  }

  #enter({ open, setns, close, errno }: NamespaceCalls, pathAddress: number): number {
    // A path may be anything: opening a pipe would wait for its other end.
    const flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    const namespace = open(pathAddress, flags);
    if (namespace < 0) return -errno();
    if (this.#own < 0) this.#keep(open(this.#layOut(ownPath), flags));
    const refused = this.#own < 0 || setns(namespace, CLONE_NEWNET) < 0 ? errno() : 0;
    close(namespace);
    return -refused;
  }

  #keep(own: number): void {
    this.#own = own;
    if (own >= 0) this.#owned?.add(own);
  }

  #leave({ setns, errno }: NamespaceCalls): void {
    if (setns(this.#own, CLONE_NEWNET) === 0) return;
    this.#stranded(new StrandedError(new SystemCallError('setns', errno())));
  }

  #layOut(path: string): number {
    this.#region ??= mapRegion(pathBytes);
    const memory = new Uint8Array(this.#region.buffer);
    const { written } = new TextEncoder().encodeInto(path, memory.subarray(0, pathBytes - 1));
    memory[written] = 0;
    return this.#region.address;
  }
}

/** A thread that forwards ends, and another takes its place. */
function raise(error: StrandedError): never {
  throw error;
}

/** The main thread does everything else: whoever caught an error of it would go on in the wrong namespace. */
function endProcess(error: StrandedError): never {
  try {
    writeSync(process.stderr.fd, `sluice: ${error.message}\n`);
  } finally {
    // Where nobody reads stderr the exit code still tells.
    process.exit(1);
  }
}

/**
 * Pipes for splice. A direction borrows one while it moves bulk and gives it back empty; a pipe that still holds data when
 * its flow ends is closed.
 *
 * Pipes share the shard's descriptors with its flows: the shard has so many of them and no more, and a flow needs none.
 * When there is none to be had (all are lent, descriptors are short, or the user's pages in pipes are used up), the one lent
 * longest ago that holds nothing changes hands, so that a flow that was bulk once and is quiet now keeps nobody else from
 * one. Whoever has none goes on copying.
 *
 * A user without privileges whose pages are used up (pipe(7), pipe-user-pages-soft) is still given pipes, but of a page or
 * two, which cannot be made larger (test/platform/pipes.test.ts). Bulk is better copied: such a pipe is closed again.
 */
import { limits } from '../../limits.js';
import type { DescriptorSet } from '../../sys/descriptor-set.js';
import { F_GETPIPE_SZ, F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from '../../sys/fcntl.js';
import type { Arena } from './arena.js';
import type { Syscalls } from './syscalls.js';

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** Who borrows: the pool may take the pipe back whenever nothing is in it. */
export interface PipeUser {
  pipe: Pipe | undefined;
  /** Bytes in the pipe. */
  readonly piped: number;
}

export interface PipePoolOptions {
  /** Asked for; a pipe that cannot be made so large stays as it is, where it has limits.leastPipeBytes. */
  readonly pipeBytes: number;
  /** Pipes lent and spare at once. */
  readonly most: number;
  /** Spare ones kept for the next flow. */
  readonly mostSpare: number;
}

export class PipePool {
  readonly #sys: Syscalls;
  readonly #arena: Arena;
  readonly #owned: DescriptorSet;
  readonly #options: PipePoolOptions;
  readonly #ends: number;
  readonly #spare: Pipe[] = [];
  /** In the order in which they borrowed. */
  readonly #users = new Set<PipeUser>();
  #most: number;
  /** So often nobody asks for a new pipe: the last one was too small. */
  #lendsToPass = 0;

  constructor(sys: Syscalls, arena: Arena, owned: DescriptorSet, options: PipePoolOptions) {
    this.#sys = sys;
    this.#arena = arena;
    this.#owned = owned;
    this.#options = options;
    this.#most = options.most;
    this.#ends = arena.take(8);
  }

  get open(): number {
    return this.#users.size + this.#spare.length;
  }

  /** From now on; what there is stays. */
  setMost(most: number): void {
    this.#most = most;
  }

  /** Gives a user without a pipe one, if there is one to be had. */
  lend(user: PipeUser): void {
    user.pipe = this.#spare.pop() ?? this.#make() ?? this.#takeBack();
    if (user.pipe !== undefined) this.#users.add(user);
  }

  /** Takes a user's pipe, if it has one. */
  giveBack(user: PipeUser): void {
    const { pipe } = user;
    if (pipe === undefined) return;
    this.#users.delete(user);
    user.pipe = undefined;
    if (user.piped === 0 && this.#spare.length < this.#options.mostSpare) this.#spare.push(pipe);
    else this.#close(pipe);
  }

  /** Closes every pipe that nothing is in: their descriptors are needed elsewhere. False where there was none. */
  closeUnused(): boolean {
    for (let pipe = this.#takeBack(); pipe !== undefined; pipe = this.#takeBack()) this.#spare.push(pipe);
    const unused = this.#spare.splice(0);
    for (const pipe of unused) this.#close(pipe);
    return unused.length > 0;
  }

  #takeBack(): Pipe | undefined {
    for (const user of this.#users) {
      const { pipe } = user;
      if (pipe === undefined || user.piped > 0) continue;
      this.#users.delete(user);
      user.pipe = undefined;
      return pipe;
    }
    return undefined;
  }

  #make(): Pipe | undefined {
    if (this.open >= this.#most) return undefined;
    if (this.#lendsToPass > 0) {
      this.#lendsToPass -= 1;
      return undefined;
    }
    if (this.#sys.pipe2(this.#arena.address(this.#ends), O_CLOEXEC | O_NONBLOCK) < 0) return undefined;
    const readEnd = this.#arena.words[this.#ends >> 2] ?? -1;
    const writeEnd = this.#arena.words[(this.#ends >> 2) + 1] ?? -1;
    this.#owned.add(readEnd);
    this.#owned.add(writeEnd);
    const pipe = { readEnd, writeEnd };
    if (this.#enlarge(pipe) >= limits.leastPipeBytes) return pipe;
    this.#close(pipe);
    this.#lendsToPass = limits.lendsBetweenPipes;
    return undefined;
  }

  /** Gives the bytes it then has. */
  #enlarge({ writeEnd }: Pipe): number {
    const bytes = this.#sys.fcntl(writeEnd, F_SETPIPE_SZ, this.#options.pipeBytes);
    return bytes < 0 ? this.#sys.fcntl(writeEnd, F_GETPIPE_SZ, 0) : bytes;
  }

  #close({ readEnd, writeEnd }: Pipe): void {
    for (const end of [readEnd, writeEnd]) {
      this.#owned.delete(end);
      this.#sys.close(end);
    }
  }
}

/**
 * Pipes for splice. A direction borrows one while it moves bulk and gives it back empty; a pipe that still holds data when
 * its flow ends is closed.
 *
 * Pipes share the shard's descriptors with its flows: the shard has so many of them and no more, and a flow needs none.
 * When there is none to be had (all are lent, descriptors are short, or the user's pages in pipes are used up: pipe(7),
 * pipe-user-pages-soft), the one lent longest ago that holds nothing changes hands, so that a flow that was bulk once and
 * is quiet now keeps nobody else from one. Whoever has none goes on copying.
 */
import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from '../../sys/fcntl.js';
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
  /** Asked for; a pipe that cannot be made so large stays as it is. */
  readonly pipeBytes: number;
  /** Pipes lent and spare at once. */
  readonly most: number;
  /** Spare ones kept for the next flow. */
  readonly mostSpare: number;
}

export class PipePool {
  readonly #sys: Syscalls;
  readonly #arena: Arena;
  readonly #options: PipePoolOptions;
  readonly #ends: number;
  readonly #spare: Pipe[] = [];
  /** In the order in which they borrowed. */
  readonly #users = new Set<PipeUser>();
  #most: number;

  constructor(sys: Syscalls, arena: Arena, options: PipePoolOptions) {
    this.#sys = sys;
    this.#arena = arena;
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
    if (this.#sys.pipe2(this.#arena.address(this.#ends), O_CLOEXEC | O_NONBLOCK) < 0) return undefined;
    const readEnd = this.#arena.words[this.#ends >> 2] ?? -1;
    const writeEnd = this.#arena.words[(this.#ends >> 2) + 1] ?? -1;
    this.#sys.fcntl(writeEnd, F_SETPIPE_SZ, this.#options.pipeBytes);
    return { readEnd, writeEnd };
  }

  #close(pipe: Pipe): void {
    this.#sys.close(pipe.readEnd);
    this.#sys.close(pipe.writeEnd);
  }
}

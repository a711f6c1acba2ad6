/**
 * Pipes for splice. A flow borrows one while it moves bulk and gives it back empty; a pipe that still holds data when
 * its flow ends is closed. Pages in pipes are bounded by the kernel for each user (pipe(7), pipe-user-pages-soft): when it
 * gives no pipe, or descriptors are short, `borrow` gives none, and the flow goes on copying.
 */
import { F_SETPIPE_SZ, O_CLOEXEC, O_NONBLOCK } from '../../sys/fcntl.js';
import type { Arena } from './arena.js';
import type { Syscalls } from './syscalls.js';

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

export interface PipePoolOptions {
  /** Asked for; a pipe that cannot be made so large stays as it is. */
  readonly pipeBytes: number;
  /** Pipes borrowed and spare at once. */
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
  #open = 0;

  constructor(sys: Syscalls, arena: Arena, options: PipePoolOptions) {
    this.#sys = sys;
    this.#arena = arena;
    this.#options = options;
    this.#ends = arena.take(8);
  }

  get open(): number {
    return this.#open;
  }

  borrow(): Pipe | undefined {
    return this.#spare.pop() ?? this.#make();
  }

  giveBack(pipe: Pipe, empty: boolean): void {
    if (empty && this.#spare.length < this.#options.mostSpare) {
      this.#spare.push(pipe);
      return;
    }
    this.#open -= 1;
    this.#sys.close(pipe.readEnd);
    this.#sys.close(pipe.writeEnd);
  }

  /** Closes the spare ones: their descriptors are needed elsewhere, or the shard ends. */
  closeSpare(): boolean {
    const any = this.#spare.length > 0;
    for (const pipe of this.#spare.splice(0)) {
      this.#open -= 1;
      this.#sys.close(pipe.readEnd);
      this.#sys.close(pipe.writeEnd);
    }
    return any;
  }

  #make(): Pipe | undefined {
    if (this.#open >= this.#options.most) return undefined;
    if (this.#sys.pipe2(this.#arena.address(this.#ends), O_CLOEXEC | O_NONBLOCK) < 0) return undefined;
    const readEnd = this.#arena.words[this.#ends >> 2] ?? -1;
    const writeEnd = this.#arena.words[(this.#ends >> 2) + 1] ?? -1;
    this.#sys.fcntl(writeEnd, F_SETPIPE_SZ, this.#options.pipeBytes);
    this.#open += 1;
    return { readEnd, writeEnd };
  }
}

/**
 * Whose each descriptor is, in memory that all shards of an engine share: a byte each, 0 for nobody's. What a shard that
 * failed or whose thread died still owned can so be closed: its flows' sockets, its pipes, its epoll and its thread's
 * namespace. A mark goes before its descriptor is closed, since the number may be another thread's at once.
 */
import { unistd } from '../../sys/unistd.js';

/** The most that Linux allows by default (fs.nr_open); pages of it that stay 0 take no memory. */
const mostDescriptors = 1 << 20;

export class OwnedDescriptors {
  /** For the shards, each with a place of its own: a byte tells limits.shardsMost of them apart. */
  readonly memory: SharedArrayBuffer;
  readonly #owners: Uint8Array;
  readonly #mark: number;

  constructor(memory = new SharedArrayBuffer(mostDescriptors), place = 0) {
    this.memory = memory;
    this.#owners = new Uint8Array(memory);
    this.#mark = place + 1;
  }

  /** This shard's from now on, whosever it was. */
  add(descriptor: number): void {
    this.#owners[descriptor] = this.#mark;
  }

  /** Nobody's: it is about to be closed. */
  delete(descriptor: number): void {
    this.#owners[descriptor] = 0;
  }

  has(descriptor: number): boolean {
    return this.#owners[descriptor] === this.#mark;
  }

  /** Descriptors belong to the process, not to a thread: what a dead shard still owned would stay open, and its peers would wait. */
  closeAll(): void {
    const next = (from: number) => this.#owners.indexOf(this.#mark, from);
    for (let descriptor = next(0); descriptor >= 0; descriptor = next(descriptor + 1))
      this.close([descriptor]);
  }

  /** Closes descriptors that no shard has, whosever they were. */
  close(descriptors: readonly number[]): void {
    const { close } = unistd();
    for (const descriptor of descriptors) {
      this.delete(descriptor);
      close(descriptor);
    }
  }
}

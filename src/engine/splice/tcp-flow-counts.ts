/**
 * How many TCP flows each shard of an engine has, in memory that all of them share: a place a shard, which that shard alone
 * writes. Whoever is awake takes the connections that come: each shard sees here how far it is ahead of another, and leaves
 * that the rest.
 */
import { limits } from '../../limits.js';

/** Of a shard that is not there. */
const none = -1;

export class TcpFlowCounts {
  /** For the shards, each with a place of its own. */
  readonly memory: SharedArrayBuffer;
  readonly #counts: Int32Array;
  readonly #place: number;

  constructor(memory = emptyCounts(), place = 0) {
    this.memory = memory;
    this.#counts = new Int32Array(memory);
    this.#place = place;
  }

  /** This shard's flows in progress, of all services. */
  get own(): number {
    return this.#counts[this.#place] ?? 0;
  }

  set own(count: number) {
    this.#counts[this.#place] = count;
  }

  /** A shard is not there any more. */
  leave(place: number): void {
    this.#counts[place] = none;
  }

  /**
   * True where another shard has so many fewer that connections are better left to it: one that takes no part in some
   * listener counts too, and costs those that do a registration for each connection.
   */
  get isAhead(): boolean {
    const bound = this.own - limits.flowsAhead;
    for (const count of this.#counts) if (count !== none && count < bound) return true;
    return false;
  }
}

function emptyCounts(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(limits.shardsMost * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory).fill(none);
  return memory;
}

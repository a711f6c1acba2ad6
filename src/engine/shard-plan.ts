/** How many shards a splice engine has. */
import { availableParallelism } from 'node:os';
import { limits } from '../limits.js';

export interface ShardPlan {
  /** Threads that forward from the start; 0: the main one does. */
  readonly threads: number;
  /** Shards at most: past the first ones one more at a time, on a thread of its own, while all there are are busy. */
  readonly most: number;
}

/** One on the main thread, for little memory and an early start, and as many as there are processors once they are needed. */
export function shardsAsNeeded(): ShardPlan {
  return { threads: 0, most: Math.min(availableParallelism(), limits.shardsMost) };
}

export function fixedShards(threads: number): ShardPlan {
  return { threads, most: Math.max(1, threads) };
}

/**
 * How busy a shard is: the share of a processor that its thread takes, whatever for. The thread's own clock tells
 * (test/platform/thread-turns.test.ts), since time spent awake would count the time in which others have the processor.
 *
 * It is looked at when a turn ends, once a window: who sleeps is not busy, and nothing has to be woken for it.
 */
import { limits } from '../../limits.js';

export class ShardLoad {
  readonly #cpuMs: () => number;
  /** When this window began, and what the thread had taken by then. */
  #sinceMs = Number.NEGATIVE_INFINITY;
  #cpuSinceMs = 0;

  /** @param cpuMs the processor time that this thread has taken */
  constructor(cpuMs: () => number) {
    this.#cpuMs = cpuMs;
  }

  /** True at the end of a window in which the thread was busy for most of the time. */
  foundBusy(nowMs: number): boolean {
    const windowMs = nowMs - this.#sinceMs;
    if (windowMs < limits.loadWindowMs) return false;
    const cpuMs = this.#cpuMs();
    const takenMs = cpuMs - this.#cpuSinceMs;
    this.#sinceMs = nowMs;
    this.#cpuSinceMs = cpuMs;
    return takenMs * 100 >= windowMs * limits.busyPercent;
  }
}

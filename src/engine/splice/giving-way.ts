/**
 * Whether a shard gives way to other threads before it sleeps (sched_yield(2), test/platform/thread-cpu.test.ts).
 *
 * Theory of operation. A shard that has done all there is may sleep at once, or first let those run who wait for its
 * processor. Where they are the peers of its flows they make its next work meanwhile: it finds more of it at once, and need
 * not be woken for it, which whoever sends to it pays for. Where it is a stranger who computes, all flows wait for that
 * one's slice. Nobody can tell the one from the other, so both ways are tried: for a window each, and from then on the one
 * that passed more, the other being looked at again every so often. A shard that passes little just sleeps.
 */
import { limits } from '../../limits.js';

export class GivingWay {
  #gives = false;
  /** What was passed in this window, which began then. */
  #work = 0;
  #sinceMs = 0;
  #windows = 0;
  /** What a millisecond passed when it last gave way, and when it last did not. */
  #givingRate = 0;
  #sleepingRate = 0;

  /** Counts what was passed: a small message by itself, bulk by its bytes. */
  passed(messages: number, bytes: number): void {
    this.#work += messages + bytes / limits.bytesLikeMessage;
  }

  /** Asked before each sleep. */
  isDue(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= limits.tryingWindowMs) this.#endWindow(nowMs);
    return this.#gives;
  }

  #endWindow(nowMs: number): void {
    const rate = this.#work / (nowMs - this.#sinceMs);
    this.#work = 0;
    this.#sinceMs = nowMs;
    if (rate < limits.messagesPerMsOfBusy) {
      this.#gives = false;
      this.#windows = 0;
      return;
    }
    if (this.#gives) this.#givingRate = rate;
    else this.#sleepingRate = rate;
    this.#windows += 1;
    const better = this.#givingRate * 100 >= this.#sleepingRate * limits.givingWayPercent;
    // The second window of a busy time tries giving way.
    const tried = this.#windows % limits.windowsToTry === 1;
    this.#gives = tried ? !this.#gives : better;
  }
}

import type { Clock } from '../../src/engine/clock.js';

interface Alarm {
  readonly atMs: number;
  readonly call: () => void;
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #nowMs = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): () => void {
    const alarm = { atMs: this.#nowMs + ms, call };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Alarms that are set and have not rung. */
  get pending(): number {
    return this.#alarms.size;
  }

  /** Goes on by `ms`, ringing each alarm on its way at its own time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#alarms.delete(next);
      this.#nowMs = next.atMs;
      next.call();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Alarm | undefined {
    const due = [...this.#alarms].filter((alarm) => alarm.atMs <= endMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** The time of a splice engine, in shared memory so that a test can hold and turn every shard's. */

const held = 0;
const heldAtMs = 1;

export class SharedClock {
  readonly memory: SharedArrayBuffer;
  readonly #fields: Float64Array;

  constructor(memory = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#fields = new Float64Array(memory);
  }

  /** Milliseconds; each thread's own monotonic clock, or the held time, which is the same for all. */
  now(): number {
    return this.#fields[held] === 0 ? performance.now() : (this.#fields[heldAtMs] ?? 0);
  }

  /** Stops the clock; from then on only this moves it. */
  holdAt(ms: number): void {
    this.#fields[heldAtMs] = ms;
    this.#fields[held] = 1;
  }
}

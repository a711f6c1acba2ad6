/** Random numbers that a seed repeats (xorshift32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }

  /** As many small ones as large ones: up to 2^0, 2^1, … 2^22 bytes with the same odds, and now and then 16 MiB. */
  size(): number {
    return this.below(64) === 0 ? 16 << 20 : this.below(2 << this.below(22));
  }
}

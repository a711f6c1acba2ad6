/**
 * Bytes of which every position can be checked by itself: a random block whose length is prime, over and over, begun at a
 * place that the seed says. A byte lost, doubled or moved shows at once.
 */
import { randomBytes } from 'node:crypto';

const blockBytes = 1_048_573;
const block = randomBytes(blockBytes);
const doubled = Buffer.concat([block, block]);

/** The bytes of a stream from `position` on; at most one block of them. */
export function patternAt(seed: number, position: number, length: number): Buffer {
  const start = (seed + position) % blockBytes;
  return doubled.subarray(start, start + Math.min(length, blockBytes));
}

/** Checks a stream as it comes. */
export class PatternCheck {
  received = 0;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** @throws Error at the first byte that is not the one that was sent */
  take(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) {
      const expected = patternAt(this.#seed, this.received, chunk.length - offset);
      const part = chunk.subarray(offset, offset + expected.length);
      if (!part.equals(expected)) throw new Error(`wrong bytes within ${part.length} of ${this.received}`);
      offset += part.length;
      this.received += part.length;
    }
  }
}

/** Bytes that show loss and reordering: one random block over and over, each with its number in front. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';

export const blockBytes = 64 * 1024;
const block = randomBytes(blockBytes);

/** `blocks` blocks; the same ones in every call. */
export function numberedBlocks(blocks: number): Readable {
  let next = 0;
  return new Readable({
    highWaterMark: 4 * blockBytes,
    read() {
      if (next === blocks) {
        this.push(null);
        return;
      }
      const copy = Buffer.from(block);
      copy.writeUInt32BE(next);
      next += 1;
      this.push(copy);
    },
  });
}

/** Takes everything and hashes it. */
export class HashSink extends Writable {
  readonly #hash = createHash('sha1');
  bytes = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done();
  }

  /** Once it is finished. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

export function hashOfBlocks(blocks: number): string {
  const hash = createHash('sha1');
  const copy = Buffer.from(block);
  for (let index = 0; index < blocks; index += 1) {
    copy.writeUInt32BE(index);
    hash.update(copy);
  }
  return hash.digest('hex');
}

/**
 * Memory for what one side sent and the other would not take: a chunk of limits.copyBytes, borrowed by a direction only
 * while something is held. Chunks come in slabs that are mapped when first needed and kept.
 */
import { limits } from '../../limits.js';
import { mapRegion } from '../../sys/mman.js';

export interface Hold {
  readonly address: number;
  readonly bytes: Uint8Array;
}

const chunksPerSlab = 16;

export class HoldPool {
  readonly #free: Hold[] = [];

  borrow(): Hold {
    if (this.#free.length === 0) this.#mapSlab();
    const hold = this.#free.pop();
    if (hold === undefined) throw new Error('a slab has chunks');
    return hold;
  }

  giveBack(hold: Hold): void {
    this.#free.push(hold);
  }

  #mapSlab(): void {
    const { address, buffer } = mapRegion(chunksPerSlab * limits.copyBytes);
    for (let index = 0; index < chunksPerSlab; index += 1) {
      const offset = index * limits.copyBytes;
      this.#free.push({ address: address + offset, bytes: new Uint8Array(buffer, offset, limits.copyBytes) });
    }
  }
}

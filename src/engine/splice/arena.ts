/**
 * A shard's memory for system calls: one mapping, carved once at start. Addresses go to the calls, the typed arrays
 * show the same bytes to us. Nothing in it is given back before the shard ends.
 */
import { mapRegion, type Region } from '../../sys/mman.js';

export class Arena {
  readonly bytes: Uint8Array;
  /** The whole arena in 32-bit words: structures here are aligned to 8, so a field's index is its offset / 4. */
  readonly words: Int32Array;
  readonly view: DataView;
  readonly #region: Region;
  #used = 0;

  constructor(size: number) {
    this.#region = mapRegion(size);
    this.bytes = new Uint8Array(this.#region.buffer);
    this.words = new Int32Array(this.#region.buffer);
    this.view = new DataView(this.#region.buffer);
  }

  /** Takes `bytes` and gives their offset; a call gets `address(offset)`. */
  take(bytes: number): number {
    const offset = this.#used;
    this.#used += (bytes + 63) & ~63;
    if (this.#used > this.bytes.length) throw new Error(`the arena has no ${bytes} bytes left`);
    return offset;
  }

  address(offset: number): number {
    return this.#region.address + offset;
  }

  /**
   * Writes a pointer into each of so many structures, `every` bytes apart, to places `step` bytes apart. In one call, since
   * V8 optimises what is called a thousand times, which costs a start 4 MB.
   */
  setPointers(count: number, offset: number, every: number, target: number, step: number): void {
    const { words } = this;
    for (let index = 0; index < count; index += 1) {
      const address = this.address(target + index * step);
      words[(offset + index * every) >> 2] = address | 0;
      words[((offset + index * every) >> 2) + 1] = Math.floor(address / 0x1_0000_0000);
    }
  }

  /** Writes a pointer (or any 64-bit number) into a structure. */
  setPointer(offset: number, value: number): void {
    this.view.setUint32(offset, value % 0x1_0000_0000, true);
    this.view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }
}

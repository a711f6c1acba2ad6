/**
 * Memory for recvmmsg and sendmmsg: a batch of datagrams, each with a header, a buffer and room for an address. What
 * was received can be sent as it lies there.
 */
import { mapRegion } from '../../src/sys/mman.js';
import { iovec, mmsghdr, msghdr } from '../../src/sys/socket.js';

const nameBytes = 32;
const addressBytes = 16;

export class Datagrams {
  readonly count: number;
  /** The batch in 32-bit words; a datagram's first is at `bufferWord`. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #address: number;
  readonly #bufferBytes: number;
  readonly #withNames: boolean;

  /** `withNames`: for a socket that is not connected. */
  constructor(count: number, bufferBytes: number, withNames: boolean) {
    this.count = count;
    this.#bufferBytes = (bufferBytes + 63) & ~63;
    this.#withNames = withNames;
    const region = mapRegion(count * (mmsghdr.bytes + iovec.bytes + nameBytes + this.#bufferBytes) + 4_096);
    this.#address = region.address;
    this.words = new Int32Array(region.buffer);
    this.bytes = new Uint8Array(region.buffer);
    const view = new BigInt64Array(region.buffer);
    for (let index = 0; index < count; index += 1) this.#layOut(view, index);
  }

  headerAddress(index: number): number {
    return this.#address + index * mmsghdr.bytes;
  }

  bufferAddress(index: number): number {
    return this.#address + this.#buffer(index);
  }

  bufferWord(index: number): number {
    return this.#buffer(index) >> 2;
  }

  /** To be called before each receive: the last one, or what was sent, has changed the lengths. */
  prepareReceive(): void {
    for (let index = 0; index < this.count; index += 1) {
      this.setLength(index, this.#bufferBytes);
      this.words[(index * mmsghdr.bytes + msghdr.nameLength) >> 2] = this.#withNames ? addressBytes : 0;
    }
  }

  /** Makes the first `received` ready to go back as they came. */
  prepareReturn(received: number): void {
    for (let index = 0; index < received; index += 1) {
      this.setLength(index, this.words[(index * mmsghdr.bytes + mmsghdr.length) >> 2] ?? 0);
    }
  }

  setLength(index: number, length: number): void {
    this.words[(this.#vector(index) + iovec.length) >> 2] = length;
  }

  #layOut(view: BigInt64Array, index: number): void {
    const header = index * mmsghdr.bytes;
    const set = (offset: number, value: number) => {
      view[offset >> 3] = BigInt(value);
    };
    const address = (offset: number) => this.#address + offset;
    if (this.#withNames) set(header + msghdr.name, address(this.#name(index)));
    set(header + msghdr.iov, address(this.#vector(index)));
    set(header + msghdr.iovLength, 1);
    set(this.#vector(index) + iovec.base, address(this.#buffer(index)));
  }

  #vector(index: number): number {
    return this.count * mmsghdr.bytes + index * iovec.bytes;
  }

  #name(index: number): number {
    return this.count * (mmsghdr.bytes + iovec.bytes) + index * nameBytes;
  }

  #buffer(index: number): number {
    return this.count * (mmsghdr.bytes + iovec.bytes + nameBytes) + index * this.#bufferBytes;
  }
}

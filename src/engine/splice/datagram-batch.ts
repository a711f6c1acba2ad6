/**
 * The structures of recvmmsg and sendmmsg for a batch of datagrams: for each a header, a buffer of 64 KiB, room for an
 * address and room for the local address the datagram came to. Laid out once; what a call changes is set anew before the
 * next. Buffers are touched, and so take memory, only as far as datagrams fill them.
 */
import { limits } from '../../limits.js';
import { IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO, in6Pktinfo, inPktinfo } from '../../sys/in.js';
import { sockaddrIn6Bytes } from '../../sys/sockaddr.js';
import { cmsghdr, iovec, mmsghdr, msghdr } from '../../sys/socket.js';
import type { Arena } from './arena.js';

const bufferBytes = 64 * 1024;
const nameBytes = 32;
const controlBytes = 64;
const size = limits.datagramsPerBatch;

/** Bytes of control data for a local address, by family, padded as CMSG_SPACE does. */
const controlLengths = { 4: 32, 6: 40 } as const;

export const batchArenaBytes =
  size * (mmsghdr.bytes + iovec.bytes + nameBytes + controlBytes + bufferBytes) + 4096;

export class DatagramBatch {
  readonly size = size;
  readonly #arena: Arena;
  readonly #headers: number;
  readonly #iovecs: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #buffers: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#headers = arena.take(size * mmsghdr.bytes);
    this.#iovecs = arena.take(size * iovec.bytes);
    this.#names = arena.take(size * nameBytes);
    this.#controls = arena.take(size * controlBytes);
    this.#buffers = arena.take(size * bufferBytes);
    for (let index = 0; index < size; index += 1) this.#layOut(index);
  }

  headerAddress(index: number): number {
    return this.#arena.address(this.#headers + index * mmsghdr.bytes);
  }

  bufferAddress(index: number): number {
    return this.#arena.address(this.#buffers + index * bufferBytes);
  }

  /** Bytes received into, or to be sent from, one datagram's buffer. */
  length(index: number): number {
    return this.#arena.words[(this.#headers + index * mmsghdr.bytes + mmsghdr.length) >> 2] ?? 0;
  }

  /** A copy of one datagram received, in memory of its own. */
  copyOf(index: number): Uint8Array {
    const start = this.#buffers + index * bufferBytes;
    return this.#arena.bytes.slice(start, start + this.length(index));
  }

  /** Index, in the arena's words, of the address of one datagram. */
  nameWord(index: number): number {
    return (this.#names + index * nameBytes) >> 2;
  }

  /** Makes `count` datagrams from `first` on ready to be received: with their sender, and the address they came to. */
  prepareReceive(first: number, count: number, withName: boolean, withControl: boolean): void {
    const { words } = this.#arena;
    for (let index = first; index < first + count; index += 1) {
      const header = this.#headerWord(index);
      words[header + (msghdr.nameLength >> 2)] = withName ? sockaddrIn6Bytes : 0;
      words[header + (msghdr.controlLength >> 2)] = withControl ? controlBytes : 0;
      words[this.#iovecWord(index) + (iovec.length >> 2)] = bufferBytes;
    }
  }

  /** Makes one datagram, just received, ready to be sent on to `nameLength` bytes of address, 0 for a connected socket. */
  prepareSend(index: number, length: number, nameLength: number, controlLength: number): void {
    const { words } = this.#arena;
    const header = this.#headerWord(index);
    words[header + (msghdr.nameLength >> 2)] = nameLength;
    words[header + (msghdr.controlLength >> 2)] = controlLength;
    words[this.#iovecWord(index) + (iovec.length >> 2)] = length;
  }

  /** Copies the local address a datagram came to, four words, the first alone for IPv4; false where none was told. */
  readLocal(index: number, family: 4 | 6, local: Int32Array): boolean {
    const { words } = this.#arena;
    if ((words[this.#headerWord(index) + (msghdr.controlLength >> 2)] ?? 0) < cmsghdr.bytes) return false;
    const data = this.#controlWord(index) + (cmsghdr.bytes >> 2);
    if (family === 4) {
      local[0] = words[data + (inPktinfo.specDst >> 2)] ?? 0;
    } else {
      for (let word = 0; word < 4; word += 1) local[word] = words[data + (in6Pktinfo.addr >> 2) + word] ?? 0;
      local[4] = words[data + (in6Pktinfo.ifindex >> 2)] ?? 0;
    }
    return true;
  }

  /** Writes the local address a datagram is to leave from, and gives the length of its control data. */
  writeLocal(index: number, family: 4 | 6, local: Int32Array): number {
    const { words } = this.#arena;
    const control = this.#controlWord(index);
    const data = control + (cmsghdr.bytes >> 2);
    words[control] = cmsghdr.bytes + (family === 4 ? inPktinfo.bytes : in6Pktinfo.bytes);
    words[control + 1] = 0;
    words[control + (cmsghdr.level >> 2)] = family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
    words[control + (cmsghdr.type >> 2)] = family === 4 ? IP_PKTINFO : IPV6_PKTINFO;
    if (family === 4) {
      words[data + (inPktinfo.ifindex >> 2)] = 0;
      words[data + (inPktinfo.specDst >> 2)] = local[0] ?? 0;
      words[data + (inPktinfo.addr >> 2)] = 0;
    } else {
      for (let word = 0; word < 4; word += 1) words[data + (in6Pktinfo.addr >> 2) + word] = local[word] ?? 0;
      // Only a link-local address needs its interface named; others follow the routes.
      words[data + (in6Pktinfo.ifindex >> 2)] = isLinkLocal(local[0] ?? 0) ? (local[4] ?? 0) : 0;
    }
    return controlLengths[family];
  }

  #layOut(index: number): void {
    const header = this.#headers + index * mmsghdr.bytes;
    const vector = this.#iovecs + index * iovec.bytes;
    this.#arena.setPointer(header + msghdr.name, this.#arena.address(this.#names + index * nameBytes));
    this.#arena.setPointer(header + msghdr.iov, this.#arena.address(vector));
    this.#arena.setPointer(header + msghdr.iovLength, 1);
    this.#arena.setPointer(
      header + msghdr.control,
      this.#arena.address(this.#controls + index * controlBytes),
    );
    this.#arena.setPointer(vector + iovec.base, this.bufferAddress(index));
  }

  #headerWord(index: number): number {
    return (this.#headers + index * mmsghdr.bytes) >> 2;
  }

  #iovecWord(index: number): number {
    return (this.#iovecs + index * iovec.bytes) >> 2;
  }

  #controlWord(index: number): number {
    return (this.#controls + index * controlBytes) >> 2;
  }
}

/** fe80::/10, seen in the first word as a little-endian integer. */
function isLinkLocal(firstWord: number): boolean {
  return (firstWord & 0xc0ff) === 0x80fe;
}

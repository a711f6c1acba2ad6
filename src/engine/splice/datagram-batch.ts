/**
 * What one recvmmsg fills: slots, each with a header, a buffer of 64 KiB, room for the sender's address and room for
 * control data. Laid out once; what a call changes of a slot is set back as soon as it has been read. Buffers are
 * touched, and so take memory, only as far as datagrams fill them.
 *
 * Where a socket has UDP_GRO, a slot may hold several datagrams of one sender behind one another, all of `segmentBytes`
 * but the last, which may be shorter (test/platform/udp-segments.test.ts). They are passed on as they lie there
 * (message-batch.ts).
 */
import { limits } from '../../limits.js';
import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  in6Pktinfo,
  inPktinfo,
} from '../../sys/in.js';
import { sockaddrIn6Bytes, sockaddrInBytes } from '../../sys/sockaddr.js';
import { cmsgAlign, cmsghdr, iovec, MSG_DONTWAIT, mmsghdr, msghdr } from '../../sys/socket.js';
import { UDP_GRO } from '../../sys/udp.js';
import type { Arena } from './arena.js';
import type { Syscalls } from './syscalls.js';

const bufferBytes = 64 * 1024;
const nameBytes = 32;
/** A local address of IPv6 and a segment's size, twice over. */
const controlBytes = 128;
const size = limits.datagramsPerBatch;
const nameWordsIPv4 = sockaddrInBytes >> 2;
const nameWords = sockaddrIn6Bytes >> 2;

export const datagramArenaBytes =
  size * (mmsghdr.bytes + iovec.bytes + nameBytes + controlBytes + bufferBytes) + 4096;

export class DatagramBatch {
  readonly size = size;
  readonly #sys: Syscalls;
  readonly #arena: Arena;
  readonly #withNames: boolean;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #buffers: number;
  /** By slot: what each of its datagrams but the last has, 0 where it holds one. */
  readonly #segments = new Int32Array(size);
  /** By slot: where the local address lies in the arena's words, 0 where none was told. */
  readonly #locals = new Int32Array(size);

  /** @param withNames whether the sender is told: for sockets that are not connected */
  constructor(sys: Syscalls, arena: Arena, withNames: boolean) {
    this.#sys = sys;
    this.#arena = arena;
    this.#withNames = withNames;
    this.#headers = arena.take(size * mmsghdr.bytes);
    this.#names = arena.take(size * nameBytes);
    this.#controls = arena.take(size * controlBytes);
    this.#buffers = arena.take(size * bufferBytes);
    this.#layOut(arena, arena.take(size * iovec.bytes));
  }

  /** Receives what a socket has into the slots from `first` on; gives how many it filled, -1 with errno set for none. */
  receive(descriptor: number, first: number): number {
    const headers = this.#arena.address(this.#headers + first * mmsghdr.bytes);
    const count = this.#sys.recvmmsg(descriptor, headers, size - first, MSG_DONTWAIT, 0);
    for (let slot = first; slot < first + count; slot += 1) this.#take(slot);
    return count;
  }

  /** Where the buffers begin in the arena, one a slot, so many bytes apart. */
  get buffers(): { readonly offset: number; readonly every: number } {
    return { offset: this.#buffers, every: bufferBytes };
  }

  bufferAddress(slot: number): number {
    return this.#arena.address(this.#buffers + slot * bufferBytes);
  }

  /** Bytes of all datagrams in a slot. */
  length(slot: number): number {
    return this.#arena.words[(this.#headers + slot * mmsghdr.bytes + mmsghdr.length) >> 2] ?? 0;
  }

  /** Bytes of each of a slot's datagrams but the last; 0 where it holds one datagram. */
  segmentBytes(slot: number): number {
    return this.#segments[slot] ?? 0;
  }

  /** How many datagrams a slot holds. */
  datagrams(slot: number): number {
    const segment = this.segmentBytes(slot);
    return segment === 0 ? 1 : Math.ceil(this.length(slot) / segment);
  }

  /** Bytes of all datagrams in these slots. */
  bytesIn(start: number, end: number): number {
    let bytes = 0;
    for (let slot = start; slot < end; slot += 1) bytes += this.length(slot);
    return bytes;
  }

  /** How many datagrams these slots hold. */
  datagramsIn(start: number, end: number): number {
    let count = 0;
    for (let slot = start; slot < end; slot += 1) count += this.datagrams(slot);
    return count;
  }

  /** Copies of the datagrams in a slot, each in memory of its own. */
  copiesOf(slot: number): Uint8Array[] {
    const start = this.#buffers + slot * bufferBytes;
    const length = this.length(slot);
    const each = this.segmentBytes(slot) || length;
    return Array.from({ length: this.datagrams(slot) }, (_, index) =>
      this.#arena.bytes.slice(start + index * each, start + Math.min(length, (index + 1) * each)),
    );
  }

  /** Index, in the arena's words, of a sender's address: as many words as sockaddr_in6 has, those past its end 0. */
  nameWord(slot: number): number {
    return (this.#names + slot * nameBytes) >> 2;
  }

  /**
   * Copies what its answers have to say of the local address a slot's datagrams came to: five words, for IPv4 the first
   * alone; false where none was told. The interface is a part of it only where the address is not enough: for a link-local
   * one, and for a multicast group, which no answer can leave from (test/platform/pktinfo.test.ts).
   */
  readLocal(slot: number, family: 4 | 6, local: Int32Array): boolean {
    const { words } = this.#arena;
    const data = this.#locals[slot] ?? 0;
    if (data === 0) return false;
    if (family === 4) {
      local[0] = words[data + (inPktinfo.specDst >> 2)] ?? 0;
      return true;
    }
    const address = data + (in6Pktinfo.addr >> 2);
    const first = words[address] ?? 0;
    const isGroup = isMulticast(first);
    for (let word = 0; word < 4; word += 1) local[word] = isGroup ? 0 : (words[address + word] ?? 0);
    local[4] = isGroup || isLinkLocal(first) ? (words[data + (in6Pktinfo.ifindex >> 2)] ?? 0) : 0;
    return true;
  }

  /** Reads what the kernel says of a slot beside its bytes, and makes it ready to be filled again. */
  #take(slot: number): void {
    const { words } = this.#arena;
    const header = (this.#headers + slot * mmsghdr.bytes) >> 2;
    if (this.#withNames) {
      const name = this.nameWord(slot);
      // IPv4 has four words; what another family left behind them must not count.
      const told = (words[header + (msghdr.nameLength >> 2)] ?? 0) >> 2;
      if (told === nameWordsIPv4) for (let word = told; word < nameWords; word += 1) words[name + word] = 0;
      words[header + (msghdr.nameLength >> 2)] = sockaddrIn6Bytes;
    }
    this.#segments[slot] = 0;
    this.#locals[slot] = 0;
    const control = words[header + (msghdr.controlLength >> 2)] ?? 0;
    if (control > 0) this.#readControl(slot, control);
    words[header + (msghdr.controlLength >> 2)] = controlBytes;
  }

  #readControl(slot: number, bytes: number): void {
    const { words } = this.#arena;
    const start = this.#controls + slot * controlBytes;
    let offset = start;
    while (offset + cmsghdr.bytes <= start + bytes) {
      const word = offset >> 2;
      const level = words[word + (cmsghdr.level >> 2)] ?? 0;
      const type = words[word + (cmsghdr.type >> 2)] ?? 0;
      const data = word + (cmsghdr.bytes >> 2);
      if (level === IPPROTO_UDP && type === UDP_GRO) this.#segments[slot] = words[data] ?? 0;
      else if (level === IPPROTO_IP && type === IP_PKTINFO) this.#locals[slot] = data;
      else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) this.#locals[slot] = data;
      offset += cmsgAlign(Math.max(cmsghdr.bytes, words[word] ?? 0));
    }
  }

  #layOut(arena: Arena, vectors: number): void {
    const { bytes } = mmsghdr;
    if (this.#withNames) arena.setPointers(size, this.#headers + msghdr.name, bytes, this.#names, nameBytes);
    arena.setPointers(size, this.#headers + msghdr.iov, bytes, vectors, iovec.bytes);
    arena.setPointers(size, this.#headers + msghdr.control, bytes, this.#controls, controlBytes);
    arena.setPointers(size, vectors + iovec.base, iovec.bytes, this.#buffers, bufferBytes);
    for (let slot = 0; slot < size; slot += 1) {
      const header = this.#headers + slot * bytes;
      if (this.#withNames) arena.words[(header + msghdr.nameLength) >> 2] = sockaddrIn6Bytes;
      arena.words[(header + msghdr.iovLength) >> 2] = 1;
      arena.words[(header + msghdr.controlLength) >> 2] = controlBytes;
      arena.words[(vectors + slot * iovec.bytes + iovec.length) >> 2] = bufferBytes;
    }
  }
}

/** fe80::/10, seen in the first word as a little-endian integer. */
function isLinkLocal(firstWord: number): boolean {
  return (firstWord & 0xc0ff) === 0x80fe;
}

/** ff00::/8, likewise. */
function isMulticast(firstWord: number): boolean {
  return (firstWord & 0xff) === 0xff;
}

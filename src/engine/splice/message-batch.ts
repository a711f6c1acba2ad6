/**
 * What one sendmmsg sends: messages, each made of slots of a DatagramBatch that follow one another, straight from the
 * buffers the datagrams came into.
 *
 * Several datagrams of one size for one receiver, of which the last may be shorter, go as one message that the kernel
 * cuts apart as late as it can (UDP_SEGMENT): they cross its layers once. What came so from a socket with UDP_GRO goes on
 * as it is. Not every way takes such a message: one whose segments are too long for it, or whose device cannot sum
 * segments up, refuses it whole (EINVAL, EIO or EMSGSIZE), even if it took others before. Then its datagrams are sent one
 * by one, and from then on none are put together on that way.
 */
import { limits } from '../../limits.js';
import { Errno } from '../../sys/errno.js';
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
import { cmsgAlign, cmsghdr, iovec, MSG_DONTWAIT, MSG_NOSIGNAL, mmsghdr, msghdr } from '../../sys/socket.js';
import { UDP_SEGMENT } from '../../sys/udp.js';
import type { Arena } from './arena.js';
import type { DatagramBatch } from './datagram-batch.js';
import { mayBeOfEarlier } from './not-sent.js';
import type { Syscalls } from './syscalls.js';
import type { UdpAssociation } from './udp-association.js';

const nameBytes = 32;
const controlBytes = 64;
const size = limits.datagramsPerBatch;
const flags = MSG_NOSIGNAL | MSG_DONTWAIT;

/** Bytes of control data for a local address, by family, and for a segment's size, padded as CMSG_SPACE does. */
const localControl = {
  4: cmsgAlign(cmsghdr.bytes + inPktinfo.bytes),
  6: cmsgAlign(cmsghdr.bytes + in6Pktinfo.bytes),
} as const;
const segmentOptionBytes = 2;
const segmentControl = cmsgAlign(cmsghdr.bytes + segmentOptionBytes);

export const messageArenaBytes =
  (size + 1) * (mmsghdr.bytes + iovec.bytes) + size * (nameBytes + controlBytes) + 4096;

/** What a way says that does not take segments. */
const refusesSegments = new Set<number>([Errno.EINVAL, Errno.EIO, Errno.EMSGSIZE]);

/** Who is told of what was not sent as it was given. */
export interface MessageOwner {
  /** So many datagrams could not be sent. */
  notSent(datagrams: number, errno: number): void;
  /** The way to the receiver of a message takes no segments: its datagrams are sent one by one. */
  takesNoSegments(association: UdpAssociation): void;
}

export class MessageBatch {
  readonly #sys: Syscalls;
  readonly #arena: Arena;
  readonly #slots: DatagramBatch;
  readonly #headers: number;
  readonly #vectors: number;
  readonly #names: number;
  readonly #controls: number;
  /** The address of each slot's iovec, as the two words of a pointer. */
  readonly #vectorPointers = new Int32Array(2 * size);
  /** By message: whose it is, its first slot, how many datagrams, the bytes of all but the last, and of its local address. */
  readonly #associations: UdpAssociation[] = [];
  readonly #firstSlots = new Int32Array(size);
  readonly #datagrams = new Int32Array(size);
  readonly #segments = new Int32Array(size);
  readonly #localBytes = new Int32Array(size);
  /** By message: 1 where its datagrams are sent one by one. */
  readonly #apart = new Uint8Array(size);
  #count = 0;
  /** Bytes of the last message; -1 where nothing can follow in it. */
  #openBytes = -1;

  constructor(sys: Syscalls, arena: Arena, slots: DatagramBatch) {
    this.#sys = sys;
    this.#arena = arena;
    this.#slots = slots;
    // One more of both, for a datagram that is sent apart from its message.
    this.#headers = arena.take((size + 1) * mmsghdr.bytes);
    this.#vectors = arena.take((size + 1) * iovec.bytes);
    this.#names = arena.take(size * nameBytes);
    this.#controls = arena.take(size * controlBytes);
    this.#layOut();
    arena.setPointer(this.#header(size) + msghdr.iov, arena.address(this.#vector(size)));
    arena.setPointer(this.#header(size) + msghdr.iovLength, 1);
  }

  /**
   * Adds what is in a slot, as part of the last message where that is of the same association and both can be one.
   *
   * @param together whether the way to the receiver takes datagrams together
   * @returns true where that began a message, which as yet has neither an address nor a local one
   */
  add(slot: number, association: UdpAssociation, together: boolean): boolean {
    const { words } = this.#arena;
    const length = this.#slots.length(slot);
    const datagrams = this.#slots.datagrams(slot);
    words[(this.#vector(slot) + iovec.length) >> 2] = length;
    if (together && this.#join(slot, association, length, datagrams)) return false;
    const message = this.#count;
    const header = this.#header(message);
    const segment = this.#slots.segmentBytes(slot) || length;
    this.#count += 1;
    this.#associations[message] = association;
    this.#firstSlots[message] = slot;
    this.#datagrams[message] = datagrams;
    this.#segments[message] = segment;
    this.#localBytes[message] = 0;
    this.#apart[message] = datagrams > 1 && !together ? 1 : 0;
    // Nothing follows an empty datagram, or a last one that is shorter than the others.
    this.#openBytes = segment > 0 && length % segment === 0 ? length : -1;
    words[(header + msghdr.iov) >> 2] = this.#vectorPointers[2 * slot] ?? 0;
    words[((header + msghdr.iov) >> 2) + 1] = this.#vectorPointers[2 * slot + 1] ?? 0;
    words[(header + msghdr.iovLength) >> 2] = 1;
    words[(header + msghdr.nameLength) >> 2] = 0;
    return true;
  }

  /** The address that the last message goes to, where its socket is not connected. */
  to(name: Int32Array, family: 4 | 6): void {
    const { words } = this.#arena;
    const message = this.#count - 1;
    const bytes = family === 4 ? sockaddrInBytes : sockaddrIn6Bytes;
    const place = (this.#names + message * nameBytes) >> 2;
    for (let word = 0; word < bytes >> 2; word += 1) words[place + word] = name[word] ?? 0;
    words[(this.#header(message) + msghdr.nameLength) >> 2] = bytes;
  }

  /** The local address that the last message leaves from (test/platform/pktinfo.test.ts). */
  from(local: Int32Array, family: 4 | 6): void {
    const { words } = this.#arena;
    const control = this.#control(this.#count - 1);
    const data = (control + cmsghdr.bytes) >> 2;
    this.#localBytes[this.#count - 1] = localControl[family];
    if (family === 4) {
      this.#writeControl(control, IPPROTO_IP, IP_PKTINFO, inPktinfo.bytes);
      words[data + (inPktinfo.ifindex >> 2)] = 0;
      words[data + (inPktinfo.specDst >> 2)] = local[0] ?? 0;
      words[data + (inPktinfo.addr >> 2)] = 0;
    } else {
      this.#writeControl(control, IPPROTO_IPV6, IPV6_PKTINFO, in6Pktinfo.bytes);
      for (let word = 0; word < 4; word += 1) words[data + (in6Pktinfo.addr >> 2) + word] = local[word] ?? 0;
      words[data + (in6Pktinfo.ifindex >> 2)] = local[4] ?? 0;
    }
  }

  /** Sends all there is on one socket; afterwards there is none. */
  send(descriptor: number, owner: MessageOwner): void {
    const end = this.#count;
    this.#count = 0;
    this.#openBytes = -1;
    for (let message = 0; message < end; message += 1) this.#seal(message);
    let next = 0;
    while (next < end) {
      const apart = this.#nextApart(next, end);
      if (apart === next) {
        this.#sendApart(descriptor, next, owner);
        next += 1;
        continue;
      }
      const sent = this.#sendHeaders(descriptor, next, apart - next, owner);
      if (sent > 0) next += sent;
      else if (!this.#refusedTogether(next, end, owner)) next += 1;
    }
  }

  #nextApart(first: number, end: number): number {
    const found = this.#apart.indexOf(1, first);
    return found < 0 || found > end ? end : found;
  }

  #join(slot: number, association: UdpAssociation, length: number, datagrams: number): boolean {
    const message = this.#count - 1;
    if (message < 0 || this.#associations[message] !== association) return false;
    const open = this.#openBytes;
    const segment = this.#segments[message] ?? 0;
    const each = this.#slots.segmentBytes(slot) || length;
    if (open < 0 || length === 0 || each > segment || (each < segment && datagrams > 1)) return false;
    const together = (this.#datagrams[message] ?? 0) + datagrams;
    if (together > limits.segmentsPerMessage || open + length > limits.messageBytes) return false;
    this.#datagrams[message] = together;
    this.#openBytes = length % segment === 0 ? open + length : -1;
    const slots = (this.#header(message) + msghdr.iovLength) >> 2;
    this.#arena.words[slots] = slot + 1 - (this.#firstSlots[message] ?? 0);
    return true;
  }

  /** Control data is complete once it is known how many datagrams a message has. */
  #seal(message: number): void {
    let bytes = this.#localBytes[message] ?? 0;
    if ((this.#datagrams[message] ?? 0) > 1) {
      const control = this.#control(message) + bytes;
      this.#writeControl(control, IPPROTO_UDP, UDP_SEGMENT, segmentOptionBytes);
      this.#arena.words[(control + cmsghdr.bytes) >> 2] = this.#segments[message] ?? 0;
      bytes += segmentControl;
    }
    this.#arena.words[(this.#header(message) + msghdr.controlLength) >> 2] = bytes;
  }

  #sendHeaders(descriptor: number, first: number, count: number, owner: MessageOwner): number {
    const headers = this.#arena.address(this.#header(first));
    const sent = this.#sys.sendmmsg(descriptor, headers, count, flags);
    if (sent > 0) return sent;
    const errno = this.#sys.errno();
    if (!mayBeOfEarlier(errno)) return sent;
    const again = this.#sys.sendmmsg(descriptor, headers, count, flags);
    if (again > 0) owner.notSent(1, errno);
    return again;
  }

  /** True where a message was refused for what it is, and is to be sent apart, as others of its association are. */
  #refusedTogether(message: number, end: number, owner: MessageOwner): boolean {
    const errno = this.#sys.errno();
    const datagrams = this.#datagrams[message] ?? 0;
    const association = this.#associations[message];
    if (datagrams === 1 || association === undefined || !refusesSegments.has(errno)) {
      owner.notSent(datagrams, errno);
      return false;
    }
    owner.takesNoSegments(association);
    for (let other = message; other < end; other += 1) {
      const isOne = (this.#datagrams[other] ?? 0) > 1 && this.#associations[other] === association;
      if (isOne) this.#apart[other] = 1;
    }
    return true;
  }

  /** None of its datagrams lies in two slots: only the last may be shorter than the others. */
  #sendApart(descriptor: number, message: number, owner: MessageOwner): void {
    const { words } = this.#arena;
    const [from, to, vector] = [this.#header(message), this.#header(size), this.#vector(size)];
    const localBytes = this.#localBytes[message] ?? 0;
    this.#arena.setPointer(to + msghdr.name, this.#arena.address(this.#names + message * nameBytes));
    this.#arena.setPointer(to + msghdr.control, this.#arena.address(this.#control(message)));
    words[(to + msghdr.nameLength) >> 2] = words[(from + msghdr.nameLength) >> 2] ?? 0;
    words[(to + msghdr.controlLength) >> 2] = localBytes;
    const first = this.#firstSlots[message] ?? 0;
    const end = first + (words[(from + msghdr.iovLength) >> 2] ?? 0);
    const segment = this.#segments[message] ?? 0;
    for (let slot = first; slot < end; slot += 1) {
      const length = this.#slots.length(slot);
      for (let offset = 0; offset < length; offset += segment) {
        this.#arena.setPointer(vector + iovec.base, this.#slots.bufferAddress(slot) + offset);
        words[(vector + iovec.length) >> 2] = Math.min(segment, length - offset);
        if (this.#sendHeaders(descriptor, size, 1, owner) <= 0) owner.notSent(1, this.#sys.errno());
      }
    }
  }

  #writeControl(offset: number, level: number, type: number, bytes: number): void {
    const { words } = this.#arena;
    words[offset >> 2] = cmsghdr.bytes + bytes;
    words[(offset >> 2) + 1] = 0;
    words[(offset + cmsghdr.level) >> 2] = level;
    words[(offset + cmsghdr.type) >> 2] = type;
  }

  #layOut(): void {
    const arena = this.#arena;
    const { bytes } = mmsghdr;
    const { offset, every } = this.#slots.buffers;
    arena.setPointers(size, this.#headers + msghdr.name, bytes, this.#names, nameBytes);
    arena.setPointers(size, this.#headers + msghdr.control, bytes, this.#controls, controlBytes);
    arena.setPointers(size, this.#headers + msghdr.iov, bytes, this.#vectors, iovec.bytes);
    arena.setPointers(size, this.#vectors + iovec.base, iovec.bytes, offset, every);
    for (let slot = 0; slot < size; slot += 1) {
      const pointer = (this.#header(slot) + msghdr.iov) >> 2;
      this.#vectorPointers[2 * slot] = arena.words[pointer] ?? 0;
      this.#vectorPointers[2 * slot + 1] = arena.words[pointer + 1] ?? 0;
    }
  }

  #header(message: number): number {
    return this.#headers + message * mmsghdr.bytes;
  }

  #vector(slot: number): number {
    return this.#vectors + slot * iovec.bytes;
  }

  #control(message: number): number {
    return this.#controls + message * controlBytes;
  }
}

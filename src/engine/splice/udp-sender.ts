/**
 * The way from a UDP listener's clients to the target: each association's connected socket, what is sent on it, and what
 * is kept for an association that has no address yet (src/engine/kept-datagrams.ts).
 *
 * Datagrams leave from the buffers of the shard's incoming batch. What is kept is copied out of them, and sent when a
 * route has an address, before what came later.
 *
 * A socket that is made here is its association's, which its relay closes.
 */
import { limits } from '../../limits.js';
import type { Counters } from '../../metrics/counters.js';
import { EPOLLET, EPOLLIN } from '../../sys/epoll.js';
import { Errno } from '../../sys/errno.js';
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from '../../sys/socket.js';
import { KeptDatagrams } from '../kept-datagrams.js';
import type { PreparedRoute } from './prepared-route.js';
import { isScarce } from './scarcity.js';
import type { ShardContext } from './shard-context.js';
import type { UdpAssociation } from './udp-association.js';

const noTarget = -1;
const sendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;

export class UdpSender {
  readonly #context: ShardContext;
  readonly #counters: Counters;
  readonly #kept = new KeptDatagrams<UdpAssociation, Uint8Array>();

  constructor(context: ShardContext, counters: Counters) {
    this.#context = context;
    this.#counters = counters;
  }

  /** Sends datagrams `start` to `end` of the incoming batch, which are all of this association. */
  send(association: UdpAssociation, route: PreparedRoute, start: number, end: number): void {
    const { incoming } = this.#context;
    const descriptor =
      association.descriptor < 0 ? this.#connect(association, route) : association.descriptor;
    if (descriptor === noTarget) this.#keep(association, route, start, end);
    else if (end - start === 1)
      this.#sendOne(descriptor, incoming.bufferAddress(start), incoming.length(start));
    else this.#sendMany(descriptor, start, end);
  }

  /** There is a new route: what waited for one may go. */
  sendKept(route: PreparedRoute): void {
    if (this.#kept.size === 0 || route.targets.length === 0) return;
    for (const association of this.#kept.associations()) this.#connect(association, route);
  }

  /** An association has ended, and what was kept of it is lost. */
  forget(association: UdpAssociation): void {
    if (this.#kept.size > 0) this.#counters.add('datagramsWithoutTarget', this.#kept.drop(association));
  }

  #sendOne(descriptor: number, address: number, length: number): void {
    const { sys } = this.#context;
    if (sys.send(descriptor, address, length, sendFlags) >= 0) return;
    // A refusal is an earlier datagram's, told in this one's place: this one may still go.
    if (!this.#notSent(sys.errno())) return;
    if (sys.send(descriptor, address, length, sendFlags) < 0) this.#notSent(sys.errno());
  }

  #sendMany(descriptor: number, start: number, end: number): void {
    const { incoming, sys } = this.#context;
    for (let index = start; index < end; index += 1)
      incoming.prepareSend(index, incoming.length(index), 0, 0);
    let next = start;
    let refusals = 0;
    while (next < end) {
      const sent = sys.sendmmsg(descriptor, incoming.headerAddress(next), end - next, sendFlags);
      if (sent > 0) {
        next += sent;
      } else if (!this.#notSent(sys.errno()) || refusals > 0) {
        next += 1;
        refusals = 0;
      } else {
        refusals += 1;
      }
    }
  }

  /** Counts a datagram that could not be sent; true where it was refused for an earlier one. */
  #notSent(errno: number): boolean {
    const full = errno === Errno.EAGAIN || errno === Errno.ENOBUFS || errno === Errno.ENOMEM;
    this.#counters.add(full ? 'datagramsOverQueue' : 'datagramsRefused');
    return errno === Errno.ECONNREFUSED;
  }

  // --- what waits for an address -----------------------------------------------------------------------------------

  /** Keeps what there is no address for, as far as the route lets it wait and there is room. */
  #keep(association: UdpAssociation, { waitMs }: PreparedRoute, start: number, end: number): void {
    if (waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget', end - start);
      return;
    }
    const { incoming, loop } = this.#context;
    this.#counters.add('datagramsKept', end - start);
    for (let index = start; index < end; index += 1) {
      const lost = this.#kept.keep(association, incoming.copyOf(index), loop.nowMs + waitMs);
      this.#counters.add('datagramsWithoutTarget', lost);
    }
  }

  #sendKeptOf(association: UdpAssociation, descriptor: number): void {
    const { arena, copyBuffer, loop } = this.#context;
    const { datagrams, late } = this.#kept.take(association, loop.nowMs);
    this.#counters.add('datagramsWithoutTarget', late);
    for (const datagram of datagrams) {
      arena.bytes.set(datagram, copyBuffer);
      this.#sendOne(descriptor, arena.address(copyBuffer), datagram.length);
    }
  }

  // --- the association's socket ------------------------------------------------------------------------------------

  /** Connects to the first address of the route that has a way to it, and sends there what was kept. */
  #connect(association: UdpAssociation, route: PreparedRoute): number {
    for (const target of route.targets) {
      const descriptor = this.#socketTo(target.domain);
      if (descriptor < 0) return noTarget;
      const { sys, loop, owned } = this.#context;
      association.target = target;
      if (sys.connect(descriptor, target.sockaddr, target.length) === 0) {
        if (loop.add(descriptor, association, EPOLLIN | EPOLLET) === 0) {
          owned[descriptor] = 1;
          association.descriptor = descriptor;
          if (this.#kept.size > 0) this.#sendKeptOf(association, descriptor);
          return descriptor;
        }
      }
      sys.close(descriptor);
    }
    return noTarget;
  }

  /** A socket, if need be in place of spare pipes. */
  #socketTo(domain: number): number {
    const { sys, pipes, arena, scratch } = this.#context;
    const kind = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    let descriptor = sys.socket(domain, kind, 0);
    if (descriptor < 0 && isScarce(sys.errno()) && pipes.closeSpare())
      descriptor = sys.socket(domain, kind, 0);
    if (descriptor < 0) return descriptor;
    arena.words[scratch >> 2] = limits.udpReceiveBufferBytes;
    sys.setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, arena.address(scratch), 4);
    return descriptor;
  }
}

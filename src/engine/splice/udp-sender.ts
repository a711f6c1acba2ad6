/**
 * The way from a UDP listener's clients to the target: what is sent on each association's socket, and what is kept for an
 * association that has no address yet (src/engine/kept-datagrams.ts).
 *
 * Datagrams leave from the buffers of the shard's incoming batch. What is kept is copied out of them, and sent when a
 * route has an address, before what came later.
 */
import type { Counters } from '../../metrics/counters.js';
import { Errno } from '../../sys/errno.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../sys/socket.js';
import { KeptDatagrams } from '../kept-datagrams.js';
import type { UdpTable } from '../udp-table.js';
import { AssociationConnector, noTarget } from './association-connector.js';
import type { PreparedRoute } from './prepared-route.js';
import { isScarce } from './scarcity.js';
import type { ShardContext } from './shard-context.js';
import type { UdpAssociation } from './udp-association.js';

const sendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;

export class UdpSender {
  readonly #context: ShardContext;
  readonly #counters: Counters;
  readonly #table: UdpTable<UdpAssociation>;
  readonly #connector: AssociationConnector;
  readonly #kept = new KeptDatagrams<UdpAssociation, Uint8Array>();

  constructor(context: ShardContext, counters: Counters, table: UdpTable<UdpAssociation>) {
    this.#context = context;
    this.#counters = counters;
    this.#table = table;
    this.#connector = new AssociationConnector(context);
  }

  /** Sends datagrams `start` to `end` of the incoming batch, which are all of this association. */
  send(association: UdpAssociation, route: PreparedRoute, start: number, end: number): void {
    const { incoming } = this.#context;
    const descriptor =
      association.descriptor < 0 ? this.#connect(association, route) : association.descriptor;
    if (descriptor === noTarget) this.#keep(association, route, start, end);
    else if (descriptor < 0) this.#counters.add('datagramsRefused', end - start);
    else if (end - start === 1)
      this.#sendOne(descriptor, incoming.bufferAddress(start), incoming.length(start));
    else this.#sendMany(descriptor, start, end);
  }

  /** There is a new route: what waited for one may go. */
  sendKept(route: PreparedRoute): void {
    if (this.#kept.size === 0 || route.targets.length === 0) return;
    for (const association of this.#kept.associations()) {
      // One may have made room for another, for want of a descriptor.
      if (!association.ended) this.#connect(association, route);
    }
  }

  /** An association has ended, and what was kept of it is lost. */
  forget(association: UdpAssociation): void {
    if (this.#kept.size > 0) this.#counters.add('datagramsWithoutTarget', this.#kept.drop(association));
  }

  #sendOne(descriptor: number, address: number, length: number): void {
    const { sys } = this.#context;
    if (sys.send(descriptor, address, length, sendFlags) >= 0) return;
    // A refusal is an earlier datagram's, told in this one's place (test/platform/epoll.test.ts); this may still go.
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
    this.#counters.add(errno === Errno.EAGAIN || isScarce(errno) ? 'datagramsOverQueue' : 'datagramsRefused');
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

  /** A socket to the first address of the route that has a way to it, which what was kept leaves by first. */
  #connect(association: UdpAssociation, route: PreparedRoute): number {
    const descriptor = this.#connector.connect(association, route.targets, this.#table);
    if (descriptor >= 0 && this.#kept.size > 0) this.#sendKeptOf(association, descriptor);
    return descriptor;
  }
}

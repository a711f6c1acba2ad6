/**
 * The way from a UDP listener's clients to the target: what is sent on each association's socket, and what is kept for an
 * association that has no address yet (src/engine/kept-datagrams.ts).
 *
 * Datagrams leave from the buffers of the shard's incoming batch, one by one or as messages of several. What is kept is
 * copied out of them, and sent when a route has an address, before what came later.
 */
import type { Counters } from '../../metrics/counters.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../sys/socket.js';
import { KeptDatagrams } from '../kept-datagrams.js';
import type { UdpTable } from '../udp-table.js';
import { AssociationConnector, noTarget } from './association-connector.js';
import type { MessageOwner } from './message-batch.js';
import { countNotSent, mayBeOfEarlier } from './not-sent.js';
import type { PreparedRoute } from './prepared-route.js';
import type { ShardContext } from './shard-context.js';
import type { UdpAssociation } from './udp-association.js';
import type { UdpBatches } from './udp-batches.js';

const sendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;

export class UdpSender {
  readonly #context: ShardContext;
  readonly #batches: UdpBatches;
  readonly #counters: Counters;
  readonly #table: UdpTable<UdpAssociation>;
  readonly #connector: AssociationConnector;
  readonly #owner: MessageOwner = {
    notSent: (datagrams, errno) => countNotSent(this.#counters, datagrams, errno),
    takesNoSegments: (association) => {
      association.targetTakesSegments = false;
    },
  };
  readonly #kept = new KeptDatagrams<UdpAssociation, Uint8Array>();

  constructor(
    context: ShardContext,
    batches: UdpBatches,
    counters: Counters,
    table: UdpTable<UdpAssociation>,
  ) {
    this.#context = context;
    this.#batches = batches;
    this.#counters = counters;
    this.#table = table;
    this.#connector = new AssociationConnector(context);
  }

  /** Sends what is in slots `start` to `end` of the incoming batch, all of it this association's. */
  send(association: UdpAssociation, route: PreparedRoute, start: number, end: number): void {
    const { incoming } = this.#batches;
    const descriptor =
      association.descriptor < 0 ? this.#connect(association, route) : association.descriptor;
    if (descriptor === noTarget) this.#keep(association, route, start, end);
    else if (descriptor < 0) this.#counters.add('datagramsRefused', incoming.datagramsIn(start, end));
    else if (end - start === 1 && incoming.segmentBytes(start) === 0)
      this.#sendOne(descriptor, incoming.bufferAddress(start), incoming.length(start));
    else this.#sendMany(association, start, end);
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
    const errno = sys.errno();
    const isSentAgain = mayBeOfEarlier(errno) && sys.send(descriptor, address, length, sendFlags) >= 0;
    countNotSent(this.#counters, 1, isSentAgain ? errno : sys.errno());
  }

  #sendMany(association: UdpAssociation, start: number, end: number): void {
    const { toTargets } = this.#batches;
    for (let slot = start; slot < end; slot += 1) {
      toTargets.add(slot, association, association.targetTakesSegments);
    }
    toTargets.send(association.descriptor, this.#owner);
  }

  // --- what waits for an address -----------------------------------------------------------------------------------

  /** Keeps what there is no address for, as far as the route lets it wait and there is room. */
  #keep(association: UdpAssociation, { waitMs }: PreparedRoute, start: number, end: number): void {
    if (waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget', this.#batches.incoming.datagramsIn(start, end));
      return;
    }
    const { incoming } = this.#batches;
    const { loop } = this.#context;
    this.#counters.add('datagramsKept', incoming.datagramsIn(start, end));
    for (let slot = start; slot < end; slot += 1) {
      for (const datagram of incoming.copiesOf(slot)) {
        const lost = this.#kept.keep(association, datagram, loop.nowMs + waitMs);
        this.#counters.add('datagramsWithoutTarget', lost);
      }
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

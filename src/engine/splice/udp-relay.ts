/**
 * One UDP listener in a shard, with the associations of its clients.
 *
 * Towards the target: recvmmsg takes a batch from the listener, each with its client's address and, on a wildcard
 * listener, the local address it came to. Datagrams in a row of one client leave by one sendmmsg on its association's
 * socket, straight from the buffers they came into (udp-sender.ts).
 *
 * Towards the clients: each association that is readable adds its replies to the shard's outgoing batch, addressed and with
 * the local address to leave from; the batch leaves by one sendmmsg on the listener, when it is full, when another
 * listener needs it, or at the end of the turn.
 *
 * A socket that cannot take a datagram drops it, as UDP does; every drop is counted. The listener is level-triggered, the
 * associations edge-triggered; each has a bounded share of a turn.
 *
 * The relay owns the sockets of its associations. The listener's is the main thread's.
 */
import { limits } from '../../limits.js';
import type { Counters } from '../../metrics/counters.js';
import { EPOLLIN } from '../../sys/epoll.js';
import { Errno, SystemCallError } from '../../sys/errno.js';
import { sockaddrIn6Bytes, sockaddrInBytes } from '../../sys/sockaddr.js';
import { AF_INET6, MSG_DONTWAIT } from '../../sys/socket.js';
import type { AssociationEndReason, CloseEvent } from '../close-table.js';
import { UdpTable, type UdpTimeouts } from '../udp-table.js';
import { AssociationIndex, hashOf } from './association-index.js';
import type { Handler } from './event-loop.js';
import { tellFault } from './fault.js';
import type { OutgoingBatch } from './outgoing-batch.js';
import { type PreparedRoute, prepareRoute } from './prepared-route.js';
import { isScarce, type Waiter } from './scarcity.js';
import type { ShardContext } from './shard-context.js';
import type { ShardRoute, ShardService } from './shard-messages.js';
import type { ShardServer } from './shard-server.js';
import { CallTimer } from './timer-wheel.js';
import { type AssociationHost, localWords, nameWords, UdpAssociation } from './udp-association.js';
import { UdpSender } from './udp-sender.js';

export class UdpRelay implements Handler, ShardServer, Waiter {
  readonly detachedAtOnce = false;
  readonly #context: ShardContext;
  readonly #served: ShardService;
  readonly #counters: Counters;
  readonly #whenEmpty: () => void;
  readonly #index = new AssociationIndex();
  readonly #table: UdpTable<UdpAssociation>;
  readonly #sender: UdpSender;
  readonly #outgoing: OutgoingBatch;
  readonly #host: AssociationHost = {
    fromTarget: (association) => this.#fromTarget(association),
    fault: (association, error) => this.#fault(association, error),
  };
  readonly #expiry = new CallTimer(
    () => this.#table.expire(this.#context.loop.nowMs),
    (error) => this.onFault(error),
  );
  /** The local address of the datagram at hand; all zero where the listener has only one. */
  readonly #local = new Int32Array(localWords);
  #hash = 0;
  #route: PreparedRoute;
  #detached = false;

  constructor(context: ShardContext, served: ShardService, counters: Counters, whenEmpty: () => void) {
    this.#context = context;
    this.#served = served;
    this.#counters = counters;
    this.#whenEmpty = whenEmpty;
    this.#route = prepareRoute(served.route);
    this.#table = new UdpTable(timeoutsOf(this.#route), {
      wakeAt: (atMs) => this.#wakeAt(atMs),
      ended: (association, reason) => this.#end(association, reason),
    });
    this.#outgoing = context.outgoing;
    this.#sender = new UdpSender(context, counters, this.#table);
    this.#watch();
  }

  setRoute(route: ShardRoute): void {
    this.#route = prepareRoute(route);
    if (!this.#detached) this.#table.setTimeouts(timeoutsOf(this.#route));
    this.#sender.sendKept(this.#route);
  }

  targetsGone(gone: ReadonlySet<string>): void {
    for (const association of this.#index.all()) {
      const { target, descriptor } = association;
      if (descriptor < 0 || target === undefined || !gone.has(target.key)) continue;
      this.#table.delete(association);
      this.#counters.add('flowsToGoneTarget');
      this.#end(association, 'target-gone');
    }
  }

  /** Known clients finish what they are at: an association is over once it was quiet for a moment. */
  detach(): void {
    const quiet = limits.udpDrainQuietMs;
    this.#detached = true;
    this.#table.setTimeouts({ unansweredMs: quiet, answeredMs: quiet });
    if (this.#table.size === 0) this.#finish();
  }

  retry(): boolean {
    return this.#watch();
  }

  /** Its listener is this shard's alone. */
  look(): void {
    this.onEvents();
  }

  endAll(event: CloseEvent): void {
    const reason = event === 'internal-error' ? 'internal-error' : 'drained';
    for (const association of this.#index.all()) {
      this.#table.delete(association);
      this.#end(association, reason);
    }
  }

  onEvents(): void {
    const { incoming, sys } = this.#context;
    const { descriptor, wildcard } = this.#served;
    for (let round = 0; round < limits.batchesPerTurn; round += 1) {
      incoming.prepareReceive(0, incoming.size, true, wildcard);
      const count = sys.recvmmsg(descriptor, incoming.headerAddress(0), incoming.size, MSG_DONTWAIT, 0);
      if (count > 0) this.#fromClients(count);
      else this.#notReceived(sys.errno());
      if (count < incoming.size) return;
    }
  }

  #watch(): boolean {
    const { loop, scarcity } = this.#context;
    const errno = loop.add(this.#served.descriptor, this, EPOLLIN);
    if (errno === 0) return true;
    if (!isScarce(errno)) throw new SystemCallError('epoll_ctl', errno);
    scarcity.wait(this, errno, 'a UDP listener waits to be watched');
    return false;
  }

  /** Out of epoll, the listener does not spin while there is no memory to read it; what comes waits in its buffer. */
  #notReceived(errno: number): void {
    if (errno === Errno.EAGAIN) return;
    if (isScarce(errno)) {
      this.#context.loop.remove(this.#served.descriptor);
      this.#context.scarcity.wait(this, errno, 'datagrams wait to be received');
    } else {
      // An ICMP answer to a reply: its client has gone.
      this.#counters.add('datagramsRefused');
    }
  }

  onFault(error: unknown): void {
    this.#context.report({ kind: 'trouble', message: `relaying datagrams failed: ${String(error)}` });
  }

  // --- from the clients to the target ----------------------------------------------------------------------------

  /** Datagrams in a row of one client are sent together, and before a new association may put theirs out. */
  #fromClients(count: number): void {
    this.#context.loop.sleepsAtOnce = true;
    let runStart = 0;
    let runOf: UdpAssociation | undefined;
    for (let index = 0; index < count; index += 1) {
      const association = this.#known(index);
      if (association !== undefined && association === runOf) continue;
      if (runOf !== undefined) this.#sendRun(runOf, runStart, index);
      // Sending may have put another out, for want of a descriptor.
      runOf = ofLiving(association) ?? this.#begin(this.#hash, this.#context.incoming.nameWord(index));
      runStart = index;
    }
    if (runOf !== undefined) this.#sendRun(runOf, runStart, count);
  }

  /** Counts a datagram and finds its association, if there is one; leaves its client's hash behind. */
  #known(index: number): UdpAssociation | undefined {
    const { incoming, arena } = this.#context;
    const { family, wildcard } = this.#served;
    const nameWord = incoming.nameWord(index);
    // The kernel writes four words for IPv4; what another family left behind them must not count.
    if (family === 4) arena.words.fill(0, nameWord + (sockaddrInBytes >> 2), nameWord + nameWords);
    if (wildcard) incoming.readLocal(index, family, this.#local);
    this.#counters.add('datagramsIn');
    this.#counters.add('bytesIn', incoming.length(index));
    this.#hash = hashOf(arena.words, nameWord, this.#local);
    return this.#index.find(this.#hash, arena.words, nameWord, this.#local);
  }

  #begin(hash: number, nameWord: number): UdpAssociation | undefined {
    if (this.#detached) return undefined;
    if (this.#route.targets.length === 0 && this.#route.waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget');
      return undefined;
    }
    if (!this.#makeRoom()) return undefined;
    const { arena, loop } = this.#context;
    const name = arena.words.slice(nameWord, nameWord + nameWords);
    const association = new UdpAssociation(hash, name, this.#local.slice(), loop.nowMs, this.#host);
    this.#context.flows += 1;
    this.#counters.add('flowsOpened');
    this.#index.add(association);
    this.#table.add(association, loop.nowMs);
    return association;
  }

  /** At the bound the association idle longest goes; where this relay has none, the shard is full of others' flows. */
  #makeRoom(): boolean {
    if (this.#table.size < this.#route.maxFlows && this.#context.flows < this.#context.maxFlows) return true;
    this.#counters.add('flowsOverLimit');
    return this.#table.evictQuietest();
  }

  #sendRun(association: UdpAssociation, start: number, end: number): void {
    const { incoming, loop } = this.#context;
    this.#table.renew(association, loop.nowMs, false);
    for (let index = start; index < end; index += 1) association.bytesIn += incoming.length(index);
    try {
      this.#sender.send(association, this.#route, start, end);
    } catch (error) {
      tellFault(association, error);
    }
  }

  // --- from the target to the client -----------------------------------------------------------------------------

  #fromTarget(association: UdpAssociation): void {
    const { sys, loop } = this.#context;
    for (let round = 0; round < limits.batchesPerTurn; round += 1) {
      const room = this.#outgoing.roomFor(this.#served.descriptor);
      const first = this.#outgoing.count;
      this.#outgoing.batch.prepareReceive(first, room, false, false);
      const header = this.#outgoing.batch.headerAddress(first);
      const count = sys.recvmmsg(association.descriptor, header, room, MSG_DONTWAIT, 0);
      if (count > 0) this.#answer(association, first, count);
      else if (!this.#refused(association, sys.errno())) return;
      if (count > 0 && count < room) return;
    }
    loop.enqueue(association);
  }

  /** True where a read told of an earlier datagram's refusal, so that there may be more to read. */
  #refused(association: UdpAssociation, errno: number): boolean {
    if (errno === Errno.EAGAIN) return false;
    if (!isScarce(errno)) {
      this.#counters.add('datagramsRefused');
      return true;
    }
    this.#context.scarcity.wait(association, errno, 'replies wait to be received');
    return false;
  }

  #answer(association: UdpAssociation, first: number, count: number): void {
    const { loop, arena } = this.#context;
    const { family, wildcard } = this.#served;
    const { batch } = this.#outgoing;
    const nameLength = family === 6 ? sockaddrIn6Bytes : sockaddrInBytes;
    loop.sleepsAtOnce = true;
    this.#table.renew(association, loop.nowMs, true);
    let bytes = 0;
    for (let index = first; index < first + count; index += 1) {
      const length = batch.length(index);
      bytes += length;
      arena.words.set(association.name, batch.nameWord(index));
      const control = wildcard ? batch.writeLocal(index, family, association.local) : 0;
      batch.prepareSend(index, length, nameLength, control);
    }
    association.bytesOut += bytes;
    this.#counters.add('datagramsOut', count);
    this.#counters.add('bytesOut', bytes);
    this.#outgoing.added(count, this.#counters);
  }

  // --- ends --------------------------------------------------------------------------------------------------------

  #fault(association: UdpAssociation, error: unknown): void {
    this.#context.report({ kind: 'trouble', message: `an association failed: ${String(error)}` });
    this.#table.delete(association);
    this.#end(association, 'internal-error');
  }

  #end(association: UdpAssociation, reason: AssociationEndReason): void {
    const { loop, owned, ends, scarcity } = this.#context;
    association.ended = true;
    scarcity.forget(association);
    if (association.descriptor >= 0) {
      owned[association.descriptor] = 0;
      loop.close(association.descriptor);
      association.descriptor = -1;
    }
    this.#sender.forget(association);
    this.#index.delete(association);
    this.#context.flows -= 1;
    this.#counters.add('flowsEnded');
    if (reason === 'evicted') this.#counters.add('associationsEvicted');
    const family = new Uint16Array(association.name.buffer, 0, 1)[0] === AF_INET6 ? 6 : 4;
    ends.add({
      service: this.#served.service,
      udp: true,
      clientFamily: family,
      clientPort: new DataView(association.name.buffer).getUint16(2, false),
      clientWords: association.name.subarray(family === 6 ? 2 : 1),
      target: association.target?.told,
      bytesIn: association.bytesIn,
      bytesOut: association.bytesOut,
      milliseconds: loop.nowMs - association.startedMs,
      cause: reason,
      errno: 0,
    });
    scarcity.something();
    if (this.#detached && this.#table.size === 0) this.#finish();
  }

  #finish(): void {
    this.#context.scarcity.forget(this);
    this.#context.loop.wheel.cancel(this.#expiry);
    this.#outgoing.flush();
    this.#context.loop.remove(this.#served.descriptor);
    this.#whenEmpty();
  }

  /** The one timer of the relay. */
  #wakeAt(atMs: number): void {
    const { wheel } = this.#context.loop;
    if (atMs === Number.POSITIVE_INFINITY) wheel.cancel(this.#expiry);
    else wheel.set(this.#expiry, atMs);
  }
}

function ofLiving(association: UdpAssociation | undefined): UdpAssociation | undefined {
  return association?.ended === true ? undefined : association;
}

function timeoutsOf(route: PreparedRoute): UdpTimeouts {
  return { unansweredMs: route.udpUnansweredTimeoutMs, answeredMs: route.udpTimeoutMs };
}

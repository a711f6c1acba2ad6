/**
 * One UDP listener in a shard, with the associations of its clients.
 *
 * Towards the target: recvmmsg takes a batch from the listener, each with its client's address and, on a wildcard
 * listener, the local address it came to. Datagrams in a row of one client leave together on its association's socket,
 * straight from the buffers they came into (udp-sender.ts).
 *
 * Towards the clients: each association that is readable adds its replies to the shard's outgoing batch, addressed and with
 * the local address to leave from; the batch leaves by one sendmmsg on the listener, when it is full, when another
 * listener needs it, or at the end of the turn.
 *
 * Both ways, datagrams that can go as one message do, and those that come as one stay one (message-batch.ts).
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
import { AF_INET6 } from '../../sys/socket.js';
import type { AssociationEndReason, CloseEvent } from '../close-table.js';
import { UdpTable, type UdpTimeouts } from '../udp-table.js';
import { AssociationIndex, hashOf } from './association-index.js';
import type { DatagramBatch } from './datagram-batch.js';
import type { Handler } from './event-loop.js';
import { tellFault } from './fault.js';
import type { OutgoingBatch, ReplyingListener } from './outgoing-batch.js';
import { type PreparedRoute, prepareRoute } from './prepared-route.js';
import { isScarce, type Waiter } from './scarcity.js';
import { closeSocket, type ShardContext, takeSegments } from './shard-context.js';
import type { ShardService } from './shard-messages.js';
import type { ShardRoute } from './shard-route.js';
import type { ShardServer } from './shard-server.js';
import { CallTimer } from './timer-wheel.js';
import { type AssociationHost, localWords, nameWords, UdpAssociation } from './udp-association.js';
import { UdpBatches } from './udp-batches.js';
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
  readonly #incoming: DatagramBatch;
  readonly #outgoing: OutgoingBatch;
  readonly #listener: ReplyingListener;
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
  readonly #takesSegments: boolean;
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
    context.udp ??= new UdpBatches(context.sys, context.arena);
    this.#incoming = context.udp.incoming;
    this.#outgoing = context.udp.outgoing;
    this.#listener = { ...served, counters };
    this.#sender = new UdpSender(context, context.udp, counters, this.#table);
    this.#takesSegments = takeSegments(context, served.descriptor);
    this.#watch('new');
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
    return this.#watch('again');
  }

  endAll(event: CloseEvent): void {
    const reason = event === 'internal-error' ? 'internal-error' : 'drained';
    for (const association of this.#index.all()) {
      this.#table.delete(association);
      this.#end(association, reason);
    }
  }

  /** What is left is told of again: the listener is level-triggered. */
  onEvents(): void {
    const { sys, loop } = this.#context;
    for (let round = 0; round < limits.batchesPerTurn && !loop.isSpent; round += 1) {
      const count = this.#incoming.receive(this.#served.descriptor, 0);
      if (count > 0) this.#fromClients(count);
      else this.#notReceived(sys.errno());
      if (count < this.#incoming.size) return;
    }
  }

  /** False where it waits to be watched: one that was watched before can be again, whatever the errno says. */
  #watch(when: 'new' | 'again'): boolean {
    const { loop, scarcity } = this.#context;
    const errno = loop.add(this.#served.descriptor, this, EPOLLIN);
    if (errno === 0) return true;
    if (!isScarce(errno) && when === 'new') throw new SystemCallError('epoll_ctl', errno);
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
    const { loop } = this.#context;
    loop.sleepsAtOnce = true;
    const incoming = this.#incoming;
    const bytes = incoming.bytesIn(0, count);
    loop.spend(bytes + count * limits.messageWorth);
    this.#counters.add('datagramsIn', incoming.datagramsIn(0, count));
    this.#counters.add('bytesIn', bytes);
    let runStart = 0;
    let runOf: UdpAssociation | undefined;
    for (let slot = 0; slot < count; slot += 1) {
      const association = this.#known(slot);
      if (association !== undefined && association === runOf) continue;
      if (runOf !== undefined) this.#sendRun(runOf, runStart, slot);
      // Sending may have put another out, for want of a descriptor.
      runOf = ofLiving(association) ?? this.#begin(this.#hash, slot);
      runStart = slot;
    }
    if (runOf !== undefined) this.#sendRun(runOf, runStart, count);
  }

  /** Finds the association of a slot's datagrams, if there is one; leaves its client's hash behind. */
  #known(slot: number): UdpAssociation | undefined {
    const { arena } = this.#context;
    const incoming = this.#incoming;
    const { family, wildcard } = this.#served;
    const nameWord = incoming.nameWord(slot);
    if (wildcard && !incoming.readLocal(slot, family, this.#local)) this.#local.fill(0);
    this.#hash = hashOf(arena.words, nameWord, this.#local);
    return this.#index.find(this.#hash, arena.words, nameWord, this.#local);
  }

  #begin(hash: number, slot: number): UdpAssociation | undefined {
    if (this.#detached) return undefined;
    if (this.#route.targets.length === 0 && this.#route.waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget', this.#incoming.datagrams(slot));
      return undefined;
    }
    if (!this.#makeRoom()) return undefined;
    const { arena, loop } = this.#context;
    const nameWord = this.#incoming.nameWord(slot);
    const name = arena.words.slice(nameWord, nameWord + nameWords);
    const association = new UdpAssociation(hash, name, this.#local.slice(), loop.nowMs, this.#host);
    association.clientTakesSegments = this.#takesSegments;
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
    const { loop } = this.#context;
    this.#table.renew(association, loop.nowMs, false);
    association.bytesIn += this.#incoming.bytesIn(start, end);
    try {
      this.#sender.send(association, this.#route, start, end);
    } catch (error) {
      tellFault(association, error);
    }
  }

  // --- from the target to the client -----------------------------------------------------------------------------

  #fromTarget(association: UdpAssociation): void {
    const { sys, loop } = this.#context;
    const { datagrams } = this.#outgoing;
    for (let round = 0; round < limits.batchesPerTurn && !loop.isSpent; round += 1) {
      const first = this.#outgoing.nextSlot(this.#listener);
      const count = datagrams.receive(association.descriptor, first);
      if (count > 0) this.#answer(association, first, count);
      else if (!this.#refused(association, sys.errno())) return;
      if (count > 0 && count < datagrams.size - first) return;
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
    const { loop } = this.#context;
    const { datagrams } = this.#outgoing;
    loop.sleepsAtOnce = true;
    this.#table.renew(association, loop.nowMs, true);
    const bytes = datagrams.bytesIn(first, first + count);
    loop.spend(bytes + count * limits.messageWorth);
    association.bytesOut += bytes;
    this.#counters.add('datagramsOut', datagrams.datagramsIn(first, first + count));
    this.#counters.add('bytesOut', bytes);
    this.#outgoing.add(association, count, this.#listener);
  }

  // --- ends --------------------------------------------------------------------------------------------------------

  #fault(association: UdpAssociation, error: unknown): void {
    this.#context.report({ kind: 'trouble', message: `an association failed: ${String(error)}` });
    this.#table.delete(association);
    this.#end(association, 'internal-error');
  }

  #end(association: UdpAssociation, reason: AssociationEndReason): void {
    const { loop, ends, scarcity } = this.#context;
    association.ended = true;
    scarcity.forget(association);
    if (association.descriptor >= 0) {
      closeSocket(this.#context, association.descriptor);
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

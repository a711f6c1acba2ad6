/** A UDP listener and the associations of its clients. */
import type { RemoteInfo } from 'node:dgram';
import { limits } from '../../limits.js';
import { type CounterSnapshot, Counters } from '../../metrics/counters.js';
import { addressKey } from '../address-key.js';
import type { AssociationEndReason } from '../close-table.js';
import type { Route, Service, TargetAddress } from '../engine.js';
import { KeptDatagrams } from '../kept-datagrams.js';
import { UdpTable, type UdpTimeouts } from '../udp-table.js';
import type { StreamContext } from './stream-context.js';
import type { StreamUdpListener } from './stream-listener.js';
import { UdpAssociation, type UdpAssociationHost } from './udp-association.js';

export class UdpService implements Service {
  readonly #listener: StreamUdpListener;
  readonly #service: number;
  readonly #context: StreamContext;
  readonly #counters = new Counters();
  readonly #byClient = new Map<string, UdpAssociation>();
  readonly #table: UdpTable<UdpAssociation>;
  readonly #kept = new KeptDatagrams<UdpAssociation, Buffer>();
  readonly #host: UdpAssociationHost;
  #route: Route;
  #draining = false;
  #closed: Promise<void> | undefined;
  #cancelExpiry: (() => void) | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(listener: StreamUdpListener, route: Route, service: number, context: StreamContext) {
    this.#listener = listener;
    this.#route = route;
    this.#service = service;
    this.#context = context;
    this.#table = new UdpTable(timeoutsOf(route), {
      wakeAt: (atMs) => this.#wakeAt(atMs),
      ended: (association, reason) => this.#end(association, reason),
    });
    this.#host = {
      counters: this.#counters,
      targets: () => this.#route.targets,
      unreached: (association, datagrams) => this.#keep(association, datagrams),
      takeKept: (association) => this.#takeKept(association),
      answered: (association, datagram) => this.#fromTarget(association, datagram),
    };
    listener.receive((datagram, client) => this.#fromClient(datagram, client));
    this.#counters.add('earlyArrivalsDropped', listener.earlyArrivalsDropped);
  }

  setRoute(route: Route): void {
    this.#route = route;
    if (!this.#draining) this.#table.setTimeouts(timeoutsOf(route));
    if (route.targets.length === 0) return;
    for (const association of this.#kept.associations()) association.reach();
  }

  endFlowsTo(addresses: readonly TargetAddress[]): void {
    const gone = new Set(addresses.map(addressKey));
    for (const association of this.#byClient.values()) {
      const { reached } = association;
      if (reached === undefined || !gone.has(addressKey(reached))) continue;
      this.#table.delete(association);
      this.#counters.add('flowsToGoneTarget');
      this.#end(association, 'target-gone');
    }
  }

  counters(): CounterSnapshot {
    return this.#counters.snapshot();
  }

  /** Clients that are known finish what they are at: an association is over once it was quiet for a moment. */
  async drain(): Promise<void> {
    this.#draining = true;
    const quiet = limits.udpDrainQuietMs;
    this.#table.setTimeouts({ unansweredMs: quiet, answeredMs: quiet });
    if (this.#table.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
    await this.#closeListener();
  }

  async close(): Promise<void> {
    for (const association of this.#byClient.values()) {
      this.#table.delete(association);
      this.#end(association, 'drained');
    }
    this.#cancelExpiry?.();
    await this.#closeListener();
  }

  async #closeListener(): Promise<void> {
    this.#closed ??= this.#listener.close();
    await this.#closed;
    this.#context.gone(this);
  }

  #fromClient(datagram: Buffer, client: RemoteInfo): void {
    this.#counters.add('datagramsIn');
    this.#counters.add('bytesIn', datagram.length);
    const key = `${client.address} ${client.port}`;
    const association = this.#byClient.get(key) ?? this.#open(key, client);
    if (association === undefined) return;
    this.#table.renew(association, this.#context.clock.now(), false);
    association.send(datagram);
  }

  /** Keeps what there is no address for, as far as the route lets it wait and there is room. */
  #keep(association: UdpAssociation, datagrams: readonly Buffer[]): void {
    const { waitMs } = this.#route;
    if (waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget', datagrams.length);
      return;
    }
    const untilMs = this.#context.clock.now() + waitMs;
    this.#counters.add('datagramsKept', datagrams.length);
    for (const datagram of datagrams) {
      this.#counters.add('datagramsWithoutTarget', this.#kept.keep(association, datagram, untilMs));
    }
  }

  #takeKept(association: UdpAssociation): readonly Buffer[] {
    const { datagrams, late } = this.#kept.take(association, this.#context.clock.now());
    this.#counters.add('datagramsWithoutTarget', late);
    return datagrams;
  }

  #open(key: string, client: RemoteInfo): UdpAssociation | undefined {
    if (this.#draining) return undefined;
    if (this.#route.targets.length === 0 && this.#route.waitMs === 0) {
      this.#counters.add('datagramsWithoutTarget');
      return undefined;
    }
    if (!this.#makeRoom()) return undefined;
    const nowMs = this.#context.clock.now();
    const association = new UdpAssociation(key, client, nowMs, this.#host);
    this.#context.budget.take();
    this.#counters.add('flowsOpened');
    this.#byClient.set(key, association);
    this.#table.add(association, nowMs);
    return association;
  }

  /** At the bound the association idle longest goes; where this service has none, the process is full of others'. */
  #makeRoom(): boolean {
    if (this.#table.size < this.#route.maxFlows && !this.#context.budget.spent) return true;
    this.#counters.add('flowsOverLimit');
    return this.#table.evictQuietest();
  }

  #fromTarget(association: UdpAssociation, datagram: Buffer): void {
    this.#table.renew(association, this.#context.clock.now(), true);
    this.#counters.add('datagramsOut');
    this.#counters.add('bytesOut', datagram.length);
    if (this.#listener.sendQueueLength() >= limits.udpQueuedDatagrams) {
      this.#counters.add('datagramsOverQueue');
      return;
    }
    this.#listener.send(datagram, association.client, this.#sentToClient);
  }

  /** A client that has gone costs its replies. */
  readonly #sentToClient = (error: Error | null): void => {
    if (error !== null) this.#counters.add('datagramsRefused');
  };

  #end(association: UdpAssociation, reason: AssociationEndReason): void {
    association.close();
    this.#counters.add('datagramsWithoutTarget', this.#kept.drop(association));
    this.#byClient.delete(association.key);
    this.#context.budget.giveBack();
    this.#counters.add('flowsEnded');
    if (reason === 'evicted') this.#counters.add('associationsEvicted');
    const { client, target, bytesIn, bytesOut, startedMs } = association;
    this.#context.report({
      service: this.#service,
      protocol: 'udp',
      client: { ip: { family: client.family === 'IPv6' ? 6 : 4, text: client.address }, port: client.port },
      target,
      bytesIn,
      bytesOut,
      milliseconds: this.#context.clock.now() - startedMs,
      reason,
      failed: undefined,
      error: undefined,
    });
    if (this.#table.size === 0) this.#whenEmpty?.();
  }

  /** The one timer of the service. */
  #wakeAt(atMs: number): void {
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#context;
    const waitMs = Math.max(0, Math.ceil(atMs - clock.now()));
    this.#cancelExpiry = clock.after(waitMs, () => this.#table.expire(clock.now()));
  }
}

function timeoutsOf(route: Route): UdpTimeouts {
  return { unansweredMs: route.udpUnansweredTimeoutMs, answeredMs: route.udpTimeoutMs };
}

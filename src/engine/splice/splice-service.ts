/** The main thread's side of one served listener. */
import { formatEndpoint } from '../../address/endpoint.js';
import { limits } from '../../limits.js';
import { type CounterSnapshot, Counters, counterNames, flowsOf, sumOf } from '../../metrics/counters.js';
import type { Route, Service, TargetAddress } from '../engine.js';
import { type WaitingTrouble, waitingTroubleText } from '../waiting-line.js';
import type { Command, ShardRoute } from './shard-messages.js';
import type { SpliceListener } from './splice-listener.js';

export interface SpliceServiceHost {
  /** False where the shard's thread has ended. */
  send(shard: number, command: Command): boolean;
  shardRoute(route: Route): ShardRoute;
  trouble(message: string): void;
  /** The listener is closed and no flow is left. */
  gone(): void;
}

export class SpliceService implements Service {
  readonly #listener: SpliceListener;
  readonly #service: number;
  readonly #host: SpliceServiceHost;
  readonly #memory: ReadonlyMap<number, SharedArrayBuffer>;
  readonly #counters: ReadonlyMap<number, Counters>;
  /** Shards that still use the listener, and those that still have flows of it. */
  readonly #attached: Set<number>;
  readonly #occupied: Set<number>;
  #route: ShardRoute;
  #draining = false;
  /** How often a shard could not serve it. */
  #failures = 0;
  #closed: Promise<void> | undefined;
  #whenGone: (() => void)[] = [];

  constructor(
    listener: SpliceListener,
    route: ShardRoute,
    service: number,
    shards: readonly number[],
    host: SpliceServiceHost,
  ) {
    this.#listener = listener;
    this.#route = route;
    this.#service = service;
    this.#host = host;
    this.#attached = new Set(shards);
    this.#occupied = new Set(shards);
    this.#memory = new Map(shards.map((shard) => [shard, new SharedArrayBuffer(counterNames.length * 8)]));
    this.#counters = new Map([...this.#memory].map(([shard, memory]) => [shard, new Counters(memory)]));
    for (const shard of shards) this.#serveOn(shard);
  }

  setRoute(route: Route): void {
    this.#route = this.#host.shardRoute(route);
    this.#tell({ kind: 'route', service: this.#service, route: this.#route });
  }

  endFlowsTo(addresses: readonly TargetAddress[]): void {
    this.#tell({ kind: 'gone', service: this.#service, addresses });
  }

  counters(): CounterSnapshot {
    return sumOf([...this.#counters.values()].map((counters) => counters.snapshot()));
  }

  flowCount(): number {
    return flowsOf(this.counters());
  }

  async drain(): Promise<void> {
    this.#listener.refuse();
    if (!this.#draining) this.#tell({ kind: 'drain', service: this.#service });
    this.#draining = true;
    this.#settle();
    await this.#gone();
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#listener.refuse();
    this.#tell({ kind: 'close', service: this.#service });
    this.#settle();
    await this.#gone();
  }

  /** A shard takes nothing from the listener any more. */
  detached(shard: number): void {
    this.#attached.delete(shard);
    this.#settle();
  }

  /** A shard has stopped taking connections for now: one it was woken for is another's to take. */
  paused(shard: number): void {
    for (const other of this.#attached) {
      if (other !== shard) this.#host.send(other, { kind: 'look', service: this.#service });
    }
  }

  waitingTrouble(trouble: WaitingTrouble): void {
    this.#host.trouble(waitingTroubleText(trouble, this.#listener, this.#route));
  }

  /** A shard has no flow of this service left. */
  empty(shard: number): void {
    this.#occupied.delete(shard);
    this.detached(shard);
  }

  /**
   * A shard could not serve it. It is tried again, since the want may pass; in the end the port is freed, so that clients
   * are refused and do not wait in a queue that nobody looks at.
   */
  unserved(shard: number, cause: string): void {
    const { protocol, endpoint } = this.#listener;
    this.empty(shard);
    if (this.#draining) return;
    this.#failures += 1;
    const last = this.#failures >= limits.serveTries;
    if (last || this.#failures === 1) {
      const outcome = last ? 'it is given up' : 'it is tried again';
      this.#host.trouble(`${formatEndpoint(endpoint)}/${protocol} cannot be served: ${cause}; ${outcome}`);
    }
    if (!last) setTimeout(() => this.#retry(shard), limits.serveRetryMs).unref();
    else if (this.#attached.size === 0) this.#closed ??= this.#listener.close();
  }

  /** A new shard may have been given it in the meantime. */
  #retry(shard: number): void {
    if (!this.#attached.has(shard)) this.serveAgain(shard);
  }

  /** A shard has died; gives how many flows of this service went with it. */
  shardLost(shard: number): number {
    const counters = this.#counters.get(shard);
    if (counters === undefined) return 0;
    const lost = flowsOf(counters.snapshot());
    counters.add('flowsEnded', lost);
    this.empty(shard);
    return lost;
  }

  /** A new shard has taken the place of one that died. */
  serveAgain(shard: number): void {
    if (this.#draining || this.#closed !== undefined || !this.#counters.has(shard)) return;
    if (!this.#serveOn(shard)) return;
    this.#attached.add(shard);
    this.#occupied.add(shard);
  }

  /** A shard that died has left a service that goes on; one that ends waits for no such shard. */
  #settle(): void {
    if (!this.#draining) return;
    if (this.#attached.size === 0) this.#closed ??= this.#listener.close();
    if (this.#occupied.size > 0) return;
    this.#host.gone();
    for (const done of this.#whenGone.splice(0)) done();
  }

  #serveOn(shard: number): boolean {
    const { protocol, endpoint, descriptor, wildcard } = this.#listener;
    const counters = this.#memory.get(shard);
    if (counters === undefined) return false;
    return this.#host.send(shard, {
      kind: 'serve',
      served: {
        service: this.#service,
        protocol,
        descriptor,
        family: endpoint.ip.family,
        wildcard,
        route: this.#route,
        counters,
      },
    });
  }

  #tell(command: Command): void {
    for (const shard of this.#occupied) this.#host.send(shard, command);
  }

  async #gone(): Promise<void> {
    if (this.#occupied.size > 0) await new Promise<void>((resolve) => this.#whenGone.push(resolve));
    await this.#closed;
  }
}

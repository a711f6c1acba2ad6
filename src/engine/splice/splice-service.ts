/** The main thread's side of one served listener. */
import { formatEndpoint } from '../../address/endpoint.js';
import { limits } from '../../limits.js';
import { type CounterSnapshot, Counters, sumOf } from '../../metrics/counters.js';
import { zoneOf } from '../../sys/interface-index.js';
import type { Route, Service, TargetAddress } from '../engine.js';
import { waitingTroubleText } from '../waiting-line.js';
import { closeMoved, type MovedFlow } from './moved-flow.js';
import type { Command } from './shard-messages.js';
import type { ShardRoute } from './shard-route.js';
import type { SpliceListener } from './splice-listener.js';

/** The engine; one for all services. */
export interface SpliceServiceHost {
  /** False where the shard's thread has ended. */
  send(shard: number, command: Command): boolean;
  /** Gives a shard flows of this service that another gave; false, and nothing happens, likewise. */
  hand(shard: number, service: number, flows: readonly MovedFlow[]): boolean;
  trouble(message: string): void;
  /** The listener of this service is closed and no flow is left. */
  gone(service: number): void;
}

/** One shard that serves it. */
interface Server {
  readonly shard: number;
  readonly counters: Counters;
  /** It still uses the listener; it still has flows of it. */
  attached: boolean;
  occupied: boolean;
  /** How often this shard, or the one before in its place, could not serve it. */
  failures: number;
  /** Flows that it counts as begun and others as ended, or the other way about, where less than 0. */
  takenOver: number;
  /** It was asked for flows that another shard is to take, and has not answered. */
  giving: boolean;
}

function serverOn(shard: number): Server {
  return {
    shard,
    counters: new Counters(),
    attached: false,
    occupied: false,
    failures: 0,
    takenOver: 0,
    giving: false,
  };
}

/** Whether so many shards take what comes to a listener together. */
export function isShared({ protocol }: SpliceListener, { maxFlows }: Route, shards: number): boolean {
  return protocol === 'tcp' && maxFlows >= shards * limits.flowsPerShare;
}

export class SpliceService implements Service {
  readonly #listener: SpliceListener;
  readonly #service: number;
  readonly #host: SpliceServiceHost;
  readonly #servers: Server[];
  /** What its flow ends tell of by number, of every route it ever had: the first is nothing. */
  readonly #texts: string[] = [''];
  #route: Route;
  #draining = false;
  #closed: Promise<void> | undefined;
  #whenGone: (() => void)[] = [];
  #whenAllGiven: (() => void)[] = [];

  constructor(
    listener: SpliceListener,
    route: Route,
    service: number,
    shards: readonly number[],
    host: SpliceServiceHost,
  ) {
    this.#listener = listener;
    this.#route = route;
    this.#service = service;
    this.#host = host;
    this.#servers = shards.map(serverOn);
    for (const server of this.#servers) this.#serveOn(server);
  }

  setRoute(route: Route): void {
    this.#route = route;
    for (const server of this.#servers) {
      if (!server.occupied) continue;
      const command = { kind: 'route', service: this.#service, route: this.#shardRoute(server) } as const;
      this.#host.send(server.shard, command);
    }
  }

  endFlowsTo(addresses: readonly TargetAddress[]): void {
    const command = { kind: 'gone', service: this.#service, addresses } as const;
    this.#tell(command);
    // Who takes flows over is told before it has them.
    if (this.#isGiving()) this.#whenAllGiven.push(() => this.#tell(command));
  }

  counters(): CounterSnapshot {
    return sumOf(this.#servers.map(({ counters }) => counters.snapshot()));
  }

  flowCount(): number {
    return this.#servers.reduce((sum, { counters }) => sum + counters.flows(), 0);
  }

  /** A flow's end may come after another route. */
  textOf(textNumber: number): string | undefined {
    return this.#texts[textNumber];
  }

  async drain(): Promise<void> {
    this.#listener.refuse();
    if (this.#isGiving()) await this.#allGiven();
    if (!this.#draining) this.#tell({ kind: 'drain', service: this.#service });
    this.#draining = true;
    this.#settle();
    await this.#gone();
  }

  async close(): Promise<void> {
    this.#draining = true;
    this.#listener.refuse();
    if (this.#isGiving()) await this.#allGiven();
    this.#tell({ kind: 'close', service: this.#service });
    this.#settle();
    await this.#gone();
  }

  /** A shard takes nothing from the listener any more. */
  detached(shard: number): void {
    const server = this.#serverOf(shard);
    if (server !== undefined) server.attached = false;
    this.#settle();
  }

  /** A shard has stopped taking connections for now: one it was woken for is another's to take. */
  paused(shard: number): void {
    for (const other of this.#servers) {
      if (!other.attached || other.shard === shard) continue;
      this.#host.send(other.shard, { kind: 'look', service: this.#service });
    }
  }

  waitingTrouble(trouble: string): void {
    this.#host.trouble(waitingTroubleText(trouble, this.#listener));
  }

  /** A shard has no flow of this service left. */
  empty(shard: number): void {
    const server = this.#serverOf(shard);
    if (server !== undefined) server.occupied = false;
    this.detached(shard);
  }

  /**
   * A shard could not serve it. It is tried again, since the want may pass; when every shard has been tried in vain the
   * port is freed, so that clients are refused and do not wait in a queue that nobody looks at.
   */
  unserved(shard: number, cause: string): void {
    const { protocol, endpoint } = this.#listener;
    this.empty(shard);
    const server = this.#serverOf(shard);
    if (this.#draining || server === undefined) return;
    server.failures += 1;
    const last = server.failures >= limits.serveTries;
    if (last || server.failures === 1) {
      const end = this.#hasHope() ? 'other threads go on with it' : 'it is given up';
      const outcome = last ? end : 'it is tried again';
      this.#host.trouble(`${formatEndpoint(endpoint)}/${protocol} cannot be served: ${cause}; ${outcome}`);
    }
    if (!last) setTimeout(() => this.#retry(server), limits.serveRetryMs).unref();
    else if (!this.#hasHope()) this.#closed ??= this.#listener.close();
  }

  /** A new shard may have been given it in the meantime. */
  #retry(server: Server): void {
    if (!server.attached && !this.#hasEnded()) this.#serveOn(server);
  }

  /** True where so many shards may serve it, each with its part of the bound on flows. */
  canBeSharedBy(shards: number): boolean {
    if (this.#hasEnded()) return false;
    return isShared(this.#listener, this.#route, shards) && this.flowCount() <= this.#route.maxFlows / shards;
  }

  /** One more shard takes connections of it. */
  shareWith(shard: number): void {
    const server = serverOn(shard);
    this.#servers.push(server);
    this.setRoute(this.#route);
    this.#serveOn(server);
  }

  /** A shard that has just come up takes its part of the flows there are, if it serves this. */
  spreadTo(shard: number): void {
    const shards = this.#servers.length;
    if (this.#hasEnded() || this.flowCount() < shards || this.#serverOf(shard)?.attached !== true) return;
    const give = { kind: 'give', service: this.#service, oneIn: shards, to: shard } as const;
    for (const server of this.#servers) {
      if (server.shard === shard || !server.occupied || server.giving) continue;
      server.giving = this.#host.send(server.shard, give);
    }
  }

  /** A shard gave flows that another is to take, or else it has them back. */
  given(shard: number, to: number, flows: readonly MovedFlow[]): void {
    const giver = this.#serverOf(shard);
    const taker = this.#serverOf(to);
    if (giver === undefined || taker === undefined) return;
    const heir = taker.attached ? taker : giver;
    giver.takenOver -= flows.length;
    heir.takenOver += flows.length;
    if (flows.length > 0 && !this.#host.hand(heir.shard, this.#service, flows)) {
      closeMoved(flows);
      this.notTaken(heir.shard, flows.length);
    }
    this.#gave(giver);
  }

  /** So many flows that a shard was to take over are closed. */
  notTaken(shard: number, flows: number): void {
    this.#serverOf(shard)?.counters.add('flowsEnded', flows);
    this.#host.trouble(
      `${flows} flows were lost on their way to another thread, which has no place for them`,
    );
  }

  #gave(server: Server): void {
    server.giving = false;
    if (this.#isGiving()) return;
    for (const done of this.#whenAllGiven.splice(0)) done();
  }

  #isGiving(): boolean {
    return this.#servers.some(({ giving }) => giving);
  }

  /** Who is to take flows over would otherwise be drained before it has them, and be gone by then. */
  #allGiven(): Promise<void> {
    return new Promise((resolve) => this.#whenAllGiven.push(resolve));
  }

  /** A shard has died; gives how many flows of this service went with it. */
  shardLost(shard: number): number {
    const server = this.#serverOf(shard);
    if (server === undefined) return 0;
    this.#gave(server);
    const lost = server.counters.flows() + server.takenOver;
    server.counters.add('flowsEnded', lost);
    this.empty(shard);
    return lost;
  }

  /** A new shard has taken the place of one that died. */
  serveAgain(shard: number): void {
    const server = this.#serverOf(shard);
    if (this.#hasEnded() || server === undefined) return;
    server.failures = 0;
    this.#serveOn(server);
  }

  /** A shard that died has left a service that goes on; one that ends waits for no such shard. */
  #settle(): void {
    if (!this.#draining) return;
    if (!this.#isAttached()) this.#closed ??= this.#listener.close();
    if (this.#isOccupied()) return;
    this.#host.gone(this.#service);
    for (const done of this.#whenGone.splice(0)) done();
  }

  /** A shard that has died does not have it, and nothing of it is waited for: the next one is given it. */
  #serveOn(server: Server): void {
    const { protocol, endpoint, descriptor, wildcard } = this.#listener;
    const taken = this.#host.send(server.shard, {
      kind: 'serve',
      served: {
        service: this.#service,
        protocol,
        descriptor,
        family: endpoint.ip.family,
        wildcard,
        route: this.#shardRoute(server),
        counters: server.counters.memory,
      },
    });
    server.attached = taken;
    server.occupied = taken;
  }

  /** Paths and zones by number, and this shard's part of the bounds. */
  #shardRoute(server: Server): ShardRoute {
    const shards = this.#servers.length;
    const place = this.#servers.indexOf(server);
    // Those at the first places have what does not come out even, so that all parts are the whole.
    const partOf = (whole: number) => Math.floor((whole + shards - 1 - place) / shards);
    return {
      ...this.#route,
      maxFlows: Math.max(1, partOf(this.#route.maxFlows)),
      shared: shards > 1,
      waitingFlows: partOf(limits.waitingFlows),
      targets: this.#route.targets.map((target) => ({
        ...target,
        textNumber: this.#textNumber(textOf(target)),
      })),
    };
  }

  #textNumber(text: string): number {
    const known = this.#texts.indexOf(text);
    return known >= 0 ? known : this.#texts.push(text) - 1;
  }

  #tell(command: Command): void {
    for (const { shard, occupied } of this.#servers) if (occupied) this.#host.send(shard, command);
  }

  #serverOf(shard: number): Server | undefined {
    return this.#servers.find((server) => server.shard === shard);
  }

  /** Its listener is closed, or will be. */
  #hasEnded(): boolean {
    return this.#draining || this.#closed !== undefined;
  }

  /** Some shard serves it, or may yet. */
  #hasHope(): boolean {
    return this.#servers.some(({ attached, failures }) => attached || failures < limits.serveTries);
  }

  #isAttached(): boolean {
    return this.#servers.some(({ attached }) => attached);
  }

  #isOccupied(): boolean {
    return this.#servers.some(({ occupied }) => occupied);
  }

  async #gone(): Promise<void> {
    if (this.#isOccupied()) await new Promise<void>((resolve) => this.#whenGone.push(resolve));
    await this.#closed;
  }
}

/** What of an address is no number: a unix socket's path, an IPv6 address's zone. */
function textOf(target: TargetAddress): string {
  if (target.kind === 'unix') return target.path;
  return target.ip.family === 6 ? zoneOf(target.ip.text) : '';
}

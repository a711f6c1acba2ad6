/** The main thread's side of one served listener. */
import { formatEndpoint } from '../../address/endpoint.js';
import { limits } from '../../limits.js';
import { type CounterSnapshot, Counters, sumOf } from '../../metrics/counters.js';
import { zoneOf } from '../../sys/interface-index.js';
import type { Route, Service, TargetAddress } from '../engine.js';
import { waitingTroubleText } from '../waiting-line.js';
import { FlowMoves, type FlowMovesHost } from './flow-moves.js';
import type { MovedFlow } from './moved-flow.js';
import type { Command } from './shard-messages.js';
import type { ShardRoute } from './shard-route.js';
import type { SpliceListener } from './splice-listener.js';

/** The engine; one for all services. */
export interface SpliceServiceHost extends Pick<FlowMovesHost, 'send' | 'hand'> {
  /** Closes the sockets of flows that no shard has. */
  closeSockets(flows: readonly MovedFlow[]): void;
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
}

function serverOn(shard: number): Server {
  return {
    shard,
    counters: new Counters(),
    attached: false,
    occupied: false,
    failures: 0,
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
  readonly #moves: FlowMoves;
  /** Of what ends while no shard has it: those of a shard are that one's to write. */
  readonly #betweenShards = new Counters();
  /** What its flow ends tell of by number, of every route it ever had: the first is nothing. */
  readonly #texts: string[] = [''];
  #route: Route;
  #draining = false;
  #closed: Promise<void> | undefined;
  #whenGone: (() => void)[] = [];

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
    this.#moves = new FlowMoves(service, {
      send: (shard, command) => host.send(shard, command),
      hand: (shard, command) => host.hand(shard, command),
      lost: (flows) => this.#lost(flows),
    });
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
    this.#tell({ kind: 'gone', service: this.#service, addresses });
    this.#moves.targetsGone(addresses);
  }

  counters(): CounterSnapshot {
    return sumOf(this.#allCounters().map((counters) => counters.snapshot()));
  }

  flowCount(): number {
    return this.#allCounters().reduce((sum, counters) => sum + counters.flows(), 0);
  }

  #allCounters(): Counters[] {
    return [...this.#servers.map(({ counters }) => counters), this.#betweenShards];
  }

  /** A flow's end may come after another route. */
  textOf(textNumber: number): string | undefined {
    return this.#texts[textNumber];
  }

  drain(): Promise<void> {
    return this.#endBy('drain');
  }

  close(): Promise<void> {
    return this.#endBy('close');
  }

  /** A shard that has flows on their way to it would otherwise be empty before it has them, and be gone by then. */
  async #endBy(how: 'drain' | 'close'): Promise<void> {
    this.#draining = true;
    this.#listener.refuse();
    if (this.#moves.areUnderWay) await this.#moves.none();
    this.#tell({ kind: how, service: this.#service });
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
    if (this.#hasEnded() || this.#serverOf(shard)?.attached !== true) return;
    for (const other of this.#servers) {
      if (other.shard !== shard) this.#moves.begin(other.shard, shard, this.#servers.length);
    }
  }

  /** A shard gave flows for another. */
  given(from: number, to: number, flows: readonly MovedFlow[]): void {
    this.#moves.given(from, to, flows);
  }

  /** A shard took what another had given, but for these. */
  taken(to: number, from: number, back: readonly MovedFlow[]): void {
    this.#moves.taken(from, to, back);
  }

  #lost(flows: readonly MovedFlow[]): void {
    this.#host.closeSockets(flows);
    this.#betweenShards.add('flowsEnded', flows.length);
    this.#host.trouble(`flows lost on their way from one thread to another: ${flows.length}`);
  }

  /** A shard has died; gives how many flows of this service went with it. */
  shardLost(shard: number): number {
    const server = this.#serverOf(shard);
    if (server === undefined) return 0;
    const lost = server.counters.flows() + this.#moves.shardLost(shard);
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
    if (!this.#draining || this.#moves.areUnderWay) return;
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

/**
 * The Linux engine: the system's own calls, made about as fast as a C program makes them.
 *
 * Theory of operation. The main thread, where everything here runs, binds listeners and speaks to shards; shards forward
 * (shard.ts), the only one on the main thread (main-shard.ts) or each on its own (thread-shard.ts). A TCP listener is in the epoll of every shard; a UDP listener is one shard's alone, since its associations are.
 * Counters are in shared memory, a block a service a shard. Flow ends come in batches of numbers.
 *
 * Who closes what: a shard closes the sockets of its flows and nobody else does; listeners are closed here, once every
 * shard that had one has said that it does not use it any more.
 */

import { messageOf } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Engine, EngineOptions, Route, Service } from '../engine.js';
import { readEnd, recordFields } from './end-records.js';
import { MainShard } from './main-shard.js';
import type { ShardEvents, ShardHandle } from './shard-handle.js';
import type { Report, ShardRoute } from './shard-messages.js';
import { SharedClock } from './shared-clock.js';
import type { SpliceListener } from './splice-listener.js';
import { SpliceService, type SpliceServiceHost } from './splice-service.js';
import { ThreadShard } from './thread-shard.js';

export interface SpliceEngineOptions extends Omit<EngineOptions, 'clock'> {
  readonly clock?: SharedClock;
  /** Threads that forward; 0: the main thread does. */
  readonly shards: number;
}

export class SpliceEngine implements Engine<SpliceListener> {
  readonly name = 'splice';
  readonly shortcomings = [];
  readonly #options: SpliceEngineOptions;
  readonly #clock: SharedClock;
  readonly #shards: ShardHandle[];
  readonly #services = new Map<number, SpliceService>();
  readonly #paths: string[] = [];
  readonly #host: SpliceServiceHost = {
    send: (shard, command) => this.#shards[shard]?.send(command) ?? false,
    shardRoute: (route, shards) => this.#shardRoute(route, shards),
    trouble: (message) => this.#options.onTrouble(message),
    gone: (service) => void this.#services.delete(service),
  };
  #ticks = 0;
  readonly #ticking = new Map<number, { left: number; done: () => void }>();
  #failures: number[] = [];
  #closed = false;

  constructor(options: SpliceEngineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new SharedClock();
    this.#shards = Array.from({ length: Math.max(1, options.shards) }, (_, index) => this.#startShard(index));
  }

  serve(listener: SpliceListener, route: Route, service: number): Service {
    const shards =
      listener.protocol === 'tcp' ? this.#shards.map((_, index) => index) : [service % this.#shards.length];
    const served = new SpliceService(listener, route, service, shards, this.#host);
    this.#services.set(service, served);
    return served;
  }

  flowCount(): number {
    let count = 0;
    for (const service of this.#services.values()) count += service.flowCount();
    return count;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#services.values()].map((service) => service.close()));
    await Promise.all(this.#shards.map((shard) => shard.stop()));
  }

  /** For a held clock: done when every shard has done what is due at its present time. */
  tick(): Promise<void> {
    this.#ticks += 1;
    const tick = this.#ticks;
    return new Promise((done) => {
      this.#ticking.set(tick, { left: this.#shards.length, done });
      for (const shard of this.#shards) shard.send({ kind: 'tick', tick });
    });
  }

  #startShard(index: number): ShardHandle {
    const setup = {
      clock: this.#clock.memory,
      ...this.#shareOfDescriptors(),
      reportEnds: this.#options.onFlowEnds !== undefined,
    };
    const events: ShardEvents = {
      report: (report) => this.#take(report, index),
      died: (cause, flows) => this.#died(index, cause, flows),
    };
    return this.#options.shards === 0 ? new MainShard(setup, events) : new ThreadShard(setup, events);
  }

  /** A pipe takes two descriptors, as a flow does: so many flows less are what pipes may have. */
  #shareOfDescriptors(): { readonly maxFlows: number; readonly maxPipes: number } {
    const pairs = Math.max(1, Math.floor(this.#options.maxFlows / Math.max(1, this.#options.shards)));
    const maxPipes = Math.min(limits.pipesPerShard, Math.floor(pairs / (1 + limits.flowsPerPipe)));
    return { maxFlows: pairs - maxPipes, maxPipes };
  }

  #take(report: Report, shard: number): void {
    if (report.kind === 'ends') this.#takeEnds(report.records);
    else if (report.kind === 'trouble') this.#options.onTrouble(report.message);
    else if (report.kind === 'waiting-trouble')
      this.#services.get(report.service)?.waitingTrouble(report.trouble);
    else if (report.kind === 'detached') this.#services.get(report.service)?.detached(shard);
    else if (report.kind === 'unserved') this.#services.get(report.service)?.unserved(shard, report.cause);
    else if (report.kind === 'paused') this.#services.get(report.service)?.paused(shard);
    else if (report.kind === 'empty') this.#services.get(report.service)?.empty(shard);
    else if (report.kind === 'ticked') this.#ticked(report.tick);
  }

  #takeEnds(records: Float64Array): void {
    const count = records.length / recordFields;
    const pathOf = (pathNumber: number) => this.#paths[pathNumber] ?? '';
    this.#options.onFlowEnds?.(Array.from({ length: count }, (_, index) => readEnd(records, index, pathOf)));
  }

  #ticked(tick: number): void {
    const waiting = this.#ticking.get(tick);
    if (waiting === undefined) return;
    waiting.left -= 1;
    if (waiting.left > 0) return;
    this.#ticking.delete(tick);
    waiting.done();
  }

  /** A shard never takes its flows down in silence: it is told of, and its listeners go to a new one. */
  #died(index: number, cause: string, flowsEnded: number): void {
    const lost = [...this.#services.values()].reduce(
      (sum, service) => sum + service.shardLost(index),
      flowsEnded,
    );
    if (this.#closed) return;
    const nowMs = performance.now();
    this.#failures = [...this.#failures.filter((atMs) => nowMs - atMs < limits.shardRestartWindowMs), nowMs];
    this.#options.onTrouble(`a shard failed and is started anew; ${lost} flows were lost: ${cause}`);
    // One that fails again and again is not started as fast as it fails.
    if (this.#failures.length <= limits.shardRestarts) this.#restart(index);
    else setTimeout(() => this.#restart(index), limits.shardRestartWindowMs).unref();
  }

  #restart(index: number): void {
    if (this.#closed) return;
    try {
      this.#shards[index] = this.#startShard(index);
    } catch (error) {
      this.#died(index, messageOf(error), 0);
      return;
    }
    for (const service of this.#services.values()) service.serveAgain(index);
  }

  /** Unix paths by number, and this service's bounds divided among its shards. */
  #shardRoute(route: Route, shards: number): ShardRoute {
    return {
      ...route,
      maxFlows: Math.max(1, Math.ceil(route.maxFlows / shards)),
      waitingFlows: Math.ceil(limits.waitingFlows / shards),
      targets: route.targets.map((target) => ({
        ...target,
        pathNumber: target.kind === 'unix' ? this.#pathNumber(target.path) : 0,
      })),
    };
  }

  #pathNumber(path: string): number {
    const known = this.#paths.indexOf(path);
    return known >= 0 ? known : this.#paths.push(path) - 1;
  }
}

/**
 * The Linux engine: the system's own calls, made about as fast as a C program makes them.
 *
 * Theory of operation. The main thread, where everything here runs, binds listeners and speaks to shards; shards forward
 * (shard.ts), the first on the main thread (main-shard.ts), others each on its own (thread-shard.ts): as many as the plan
 * says from the start, and one more at a time while all there are tell that they are busy. A TCP listener is in the epoll
 * of every shard, unless its bound on flows is small; a UDP listener is one shard's alone, since its associations are.
 * One whose thread has come up is given its part of the busy flows (flow-moves.ts). Counters are in shared memory, a block a
 * service a shard. Flow ends come in batches of numbers.
 *
 * Who closes what: a shard closes the sockets of its flows and nobody else does, unless it died, or flows on their way from
 * one to another find nobody to have them (owned-descriptors.ts); listeners are closed here, once every shard that had one
 * has said that it does not use it any more.
 */

import { messageOf } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Engine, EngineOptions, Route, Service } from '../engine.js';
import type { ShardPlan } from '../shard-plan.js';
import { type ByKind, doByKind } from './by-kind.js';
import { readEnd, recordFields } from './end-records.js';
import { MainShard } from './main-shard.js';
import { descriptorsOf } from './moved-flow.js';
import { OwnedDescriptors } from './owned-descriptors.js';
import type { ShardEvents, ShardHandle } from './shard-handle.js';
import type { DescriptorShare, LiveReport } from './shard-messages.js';
import { SharedClock } from './shared-clock.js';
import type { SpliceListener } from './splice-listener.js';
import { isShared, SpliceService, type SpliceServiceHost } from './splice-service.js';
import { TcpFlowCounts } from './tcp-flow-counts.js';
import { ThreadShard } from './thread-shard.js';

export interface SpliceEngineOptions extends Omit<EngineOptions, 'clock'> {
  readonly clock?: SharedClock;
  readonly tcpFlows?: TcpFlowCounts;
  readonly shards: ShardPlan;
}

export class SpliceEngine implements Engine<SpliceListener> {
  readonly name = 'splice';
  readonly shortcomings = [];
  readonly #options: SpliceEngineOptions;
  readonly #clock: SharedClock;
  readonly #tcpFlows: TcpFlowCounts;
  readonly #owned = new OwnedDescriptors();
  readonly #shards: ShardHandle[];
  readonly #services = new Map<number, SpliceService>();
  readonly #host: SpliceServiceHost = {
    send: (shard, command) => this.#shards[shard]?.send(command) ?? false,
    hand: (shard, command) => {
      const owned = new OwnedDescriptors(this.#owned.memory, shard);
      for (const descriptor of descriptorsOf(command.flows)) owned.add(descriptor);
      return this.#host.send(shard, command);
    },
    closeSockets: (flows) => this.#owned.close(descriptorsOf(flows)),
    trouble: (message) => this.#options.onTrouble(message),
    gone: (service) => void this.#services.delete(service),
  };
  /** What is done with a report of a shard. */
  readonly #reports: ByKind<LiveReport, [shard: number]> = {
    ends: ({ records }) => this.#takeEnds(records),
    trouble: ({ message }) => this.#options.onTrouble(message),
    'waiting-trouble': ({ service, trouble }) => this.#services.get(service)?.waitingTrouble(trouble),
    detached: ({ service }, shard) => this.#services.get(service)?.detached(shard),
    unserved: ({ service, cause }, shard) => this.#services.get(service)?.unserved(shard, cause),
    paused: ({ service }, shard) => this.#services.get(service)?.paused(shard),
    empty: ({ service }, shard) => this.#services.get(service)?.empty(shard),
    ready: (_, shard) => this.#spreadTo(shard),
    given: ({ service, to, flows }, shard) => this.#services.get(service)?.given(shard, to, flows),
    taken: ({ service, from, back }, shard) => this.#services.get(service)?.taken(shard, from, back),
    busy: (_, shard) => this.#tookBusy(shard),
    ticked: ({ tick }) => this.#ticked(tick),
  };
  #ticks = 0;
  readonly #ticking = new Map<number, { left: number; done: () => void }>();
  #failures: number[] = [];
  /** Shards whose thread has come up once, or died. */
  readonly #hasCome = new Set<number>();
  /** When each shard last said that it was busy. */
  readonly #busyAtMs: number[] = [];
  #mostShards: number;
  #closed = false;

  constructor(options: SpliceEngineOptions) {
    this.#options = options;
    this.#clock = options.clock ?? new SharedClock();
    this.#tcpFlows = options.tcpFlows ?? new TcpFlowCounts();
    this.#mostShards = options.shards.most;
    const count = Math.max(1, options.shards.threads);
    this.#shards = Array.from({ length: count }, (_, index) => this.#startShard(index, count));
  }

  serve(listener: SpliceListener, route: Route, service: number): Service {
    const count = this.#shards.length;
    const shards = isShared(listener, route, count)
      ? this.#shards.map((_, index) => index)
      : [service % count];
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

  #startShard(index: number, count = this.#shards.length): ShardHandle {
    const setup = {
      clock: this.#clock.memory,
      share: this.#shareOfDescriptors(count),
      owned: this.#owned.memory,
      tcpFlowCounts: this.#tcpFlows.memory,
      place: index,
      reportEnds: this.#options.onFlowEnds !== undefined,
    };
    const events: ShardEvents = {
      report: (report) => doByKind(this.#reports, report, index),
      died: (cause, flows) => this.#died(index, cause, flows),
    };
    const onMain = this.#options.shards.threads === 0 && index === 0;
    return onMain ? new MainShard(setup, events) : new ThreadShard(setup, events);
  }

  /** While all shards are busy one more takes connections, of those listeners that are not one shard's alone. */
  #tookBusy(shard: number): void {
    const nowMs = performance.now();
    this.#busyAtMs[shard] = nowMs;
    const justNow = (index: number) =>
      nowMs - (this.#busyAtMs[index] ?? Number.NEGATIVE_INFINITY) < 2 * limits.loadWindowMs;
    if (this.#closed || this.#shards.length >= this.#mostShards) return;
    if (this.#shards.every((_, index) => justNow(index))) this.#grow(this.#shards.length + 1);
  }

  /** It does nothing for one flow alone, and where some have more already than is theirs once the bounds are divided anew. */
  #grow(count: number): void {
    const share = this.#shareOfDescriptors(count);
    const helped = [...this.#services.values()].filter((service) => service.canBeSharedBy(count));
    const flows = helped.reduce((sum, service) => sum + service.flowCount(), 0);
    if (flows < count || this.flowCount() > share.maxFlows) return;
    const before = [...this.#shards];
    try {
      this.#shards.push(this.#startShard(count - 1, count));
    } catch (error) {
      this.#mostShards = count - 1;
      this.#options.onTrouble(`no more threads can be started to forward: ${messageOf(error)}`);
      return;
    }
    for (const shard of before) shard.send({ kind: 'share', share });
    for (const service of helped) service.shareWith(count - 1);
    const busy = count === 2 ? 'the thread that forwards is' : 'all threads that forward are';
    this.#options.onGrowth(`${busy} busy: there are ${count} now`);
  }

  /** What takes a failed one's place is given none: if that failed too, they would be lost, and others after them. */
  #spreadTo(shard: number): void {
    if (this.#hasCome.has(shard)) return;
    this.#hasCome.add(shard);
    for (const service of this.#services.values()) service.spreadTo(shard);
  }

  /** A pipe takes two descriptors, as a flow does: so many flows less are what pipes may have. */
  #shareOfDescriptors(shards: number): DescriptorShare {
    const pairs = Math.max(1, Math.floor(this.#options.maxFlows / shards));
    const maxPipes = Math.min(limits.pipesPerShard, Math.floor(pairs / (1 + limits.flowsPerPipe)));
    return { maxFlows: pairs - maxPipes, maxPipes };
  }

  #takeEnds(records: Float64Array): void {
    const count = records.length / recordFields;
    const textOf = (service: number, textNumber: number) =>
      this.#services.get(service)?.textOf(textNumber) ?? '';
    this.#options.onFlowEnds?.(Array.from({ length: count }, (_, index) => readEnd(records, index, textOf)));
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
    this.#tcpFlows.leave(index);
    this.#hasCome.add(index);
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
}

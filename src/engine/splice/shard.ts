/**
 * A shard: all that one loop over epoll forwards. It obeys commands and makes reports; who gives it its turns is its
 * host's business (thread-shard.ts, main-shard.ts).
 *
 * Whatever throws here outside a flow's own step is a fault of the shard: its host has it end all its flows, says why,
 * and lets go of it. Another takes its place. A listener that cannot even be served is told of alone, since another shard
 * would fare no better with it.
 */
import { causeOf } from '../../errors.js';
import { limits } from '../../limits.js';
import { Counters } from '../../metrics/counters.js';
import { NetworkNamespaces } from '../../sys/network-namespace.js';
import { sockaddrBytes } from '../../sys/sockaddr.js';
import { CLOCK_THREAD_CPUTIME_ID, timespecMs } from '../../sys/time.js';
import { addressKey } from '../address-key.js';
import type { TargetAddress } from '../engine.js';
import { Arena } from './arena.js';
import { type ByKind, doByKind } from './by-kind.js';
import { datagramArenaBytes } from './datagram-batch.js';
import { EventLoop } from './event-loop.js';
import { HoldPool } from './hold-pool.js';
import { messageArenaBytes } from './message-batch.js';
import { OwnedDescriptors } from './owned-descriptors.js';
import { PipePool } from './pipe-pool.js';
import { Scarcity } from './scarcity.js';
import { EndBatch, type ShardContext } from './shard-context.js';
import { ShardLoad } from './shard-load.js';
import type { Command, DescriptorShare, Report, ShardService, ShardSetup } from './shard-messages.js';
import type { ShardServer } from './shard-server.js';
import { SharedClock } from './shared-clock.js';
import { takeShortSlices } from './short-slices.js';
import { openSyscalls } from './syscalls.js';
import { TcpAcceptor } from './tcp-acceptor.js';
import { TcpFlowCounts } from './tcp-flow-counts.js';
import { UdpRelay } from './udp-relay.js';

const arenaBytes = limits.copyBytes + 2 * (datagramArenaBytes + messageArenaBytes) + 64 * 1024;

export class Shard {
  readonly #context: ShardContext;
  readonly #servers = new Map<number, ShardServer>();
  readonly #clock: SharedClock;
  /** How a command is obeyed. */
  readonly #commands: ByKind<Command> = {
    serve: ({ served }) => this.#serve(served),
    route: ({ service, route }) => this.#servers.get(service)?.setRoute(route),
    gone: ({ service, addresses }) => this.#servers.get(service)?.targetsGone(keysOf(addresses)),
    drain: ({ service }) => this.#drain(service),
    close: ({ service }) => this.#close(service),
    look: ({ service }) => this.#servers.get(service)?.look?.(),
    share: ({ share }) => this.#takeShare(share),
    give: ({ service, oneIn, to }) => {
      const flows = this.#servers.get(service)?.give?.(oneIn) ?? [];
      this.#context.report({ kind: 'given', service, to, flows });
    },
    take: ({ service, from, flows, gone }) => {
      const back = this.#servers.get(service)?.take?.(flows, keysOf(gone)) ?? flows;
      this.#context.report({ kind: 'taken', service, from, back });
    },
    moved: ({ service, given, flows, gone }) =>
      this.#servers.get(service)?.moved?.(given, flows, keysOf(gone)),
    tick: ({ tick }) => this.#tick(tick),
    stop: () => this.#stop(),
  };

  constructor(setup: ShardSetup, report: (report: Report) => void) {
    this.#clock = new SharedClock(setup.clock);
    this.#context = openContext(setup, this.#clock, report);
    const { loop, ends, sys, arena, scratch } = this.#context;
    loop.givesWay = takeShortSlices(sys, arena, scratch);
    const load = new ShardLoad(() => cpuMsOf(this.#context));
    loop.beforeSleep = () => {
      this.#context.udp?.outgoing.flush();
      if (load.foundBusy(loop.nowMs)) report({ kind: 'busy' });
      return ends.flushDue();
    };
  }

  get loop(): EventLoop {
    return this.#context.loop;
  }

  /** Whatever is thrown leaves the shard in a state nobody knows. */
  obey(command: Command): void {
    this.loop.nowMs = this.#clock.now();
    doByKind(this.#commands, command);
  }

  /** After a fault: ends what flows there are, and tells of it. */
  fail(error: unknown): void {
    const { flows } = this.#context;
    this.#endAll();
    // Those on their way to another shard are counted here too, and go on.
    this.#context.report({ kind: 'failed', flows: flows - this.#context.flows, cause: causeOf(error) });
  }

  /** After the last turn: tells the last ends, and closes what is the shard's own. */
  free(): void {
    const { ends, pipes, namespaces, loop, owned } = this.#context;
    ends.flush();
    pipes.closeUnused();
    namespaces.close();
    owned.delete(loop.descriptor);
    loop.free();
  }

  #serve(served: ShardService): void {
    const { service } = served;
    const counters = new Counters(served.counters);
    const whenEmpty = () => {
      this.#servers.delete(service);
      this.#context.ends.flush();
      this.#context.report({ kind: 'empty', service });
    };
    const Server = served.protocol === 'tcp' ? TcpAcceptor : UdpRelay;
    try {
      this.#servers.set(service, new Server(this.#context, served, counters, whenEmpty));
    } catch (error) {
      // It holds nothing yet, and the services beside it have no part in it.
      this.#context.report({ kind: 'unserved', service, cause: causeOf(error) });
    }
  }

  #drain(service: number): void {
    const server = this.#servers.get(service);
    if (server === undefined) return;
    server.detach();
    // Not before: the main thread may close the listener as soon as it hears of it.
    if (server.detachedAtOnce) this.#context.report({ kind: 'detached', service });
  }

  #close(service: number): void {
    const server = this.#servers.get(service);
    if (server === undefined) return;
    server.endAll('drain-grace-over');
    // It may have been detached before, and be empty by now.
    if (this.#servers.has(service)) server.detach();
  }

  #takeShare({ maxFlows, maxPipes }: DescriptorShare): void {
    this.#context.maxFlows = maxFlows;
    this.#context.pipes.setMost(maxPipes);
  }

  /** The held clock was moved: what is due by now has to ring before this is answered. */
  #tick(tick: number): void {
    const { loop, ends, report } = this.#context;
    loop.wheel.advance(loop.nowMs);
    ends.flush();
    report({ kind: 'ticked', tick });
  }

  #stop(): void {
    this.#endAll();
    this.loop.stop();
  }

  #endAll(): void {
    for (const server of this.#servers.values()) server.endAll('internal-error');
  }
}

function openContext(setup: ShardSetup, clock: SharedClock, report: (report: Report) => void): ShardContext {
  const sys = openSyscalls();
  const arena = new Arena(arenaBytes);
  const owned = new OwnedDescriptors(setup.owned, setup.place);
  const loop = new EventLoop(sys, arena, clock);
  owned.add(loop.descriptor);
  const tcpFlows = new TcpFlowCounts(setup.tcpFlowCounts, setup.place);
  tcpFlows.own = 0;
  return {
    sys,
    arena,
    loop,
    pipes: new PipePool(sys, arena, owned, {
      pipeBytes: limits.pipeBytes,
      most: setup.share.maxPipes,
      mostSpare: limits.sparePipesPerShard,
    }),
    holds: new HoldPool(),
    namespaces: new NetworkNamespaces(undefined, undefined, owned),
    scarcity: new Scarcity(loop, (message) => report({ kind: 'trouble', message })),
    ends: new EndBatch(setup.reportEnds, (records) => report({ kind: 'ends', records })),
    udp: undefined,
    owned,
    maxFlows: setup.share.maxFlows,
    flows: 0,
    tcpFlows,
    copyBuffer: arena.take(limits.copyBytes),
    scratch: arena.take(64),
    acceptBuffer: arena.take(sockaddrBytes + 8),
    connectBuffer: arena.take(sockaddrBytes),
    report,
  };
}

function keysOf(addresses: readonly TargetAddress[]): ReadonlySet<string> {
  return new Set(addresses.map(addressKey));
}

function cpuMsOf({ sys, arena, scratch }: ShardContext): number {
  sys.clock_gettime(CLOCK_THREAD_CPUTIME_ID, arena.address(scratch));
  return timespecMs(arena.view, scratch);
}

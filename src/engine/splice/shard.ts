/**
 * A shard: what forwards, in a loop over epoll that blocks.
 *
 * While it is blocked none of its thread's timers, promises or message events run. Commands therefore come by a written
 * eventfd, after which its channel is read; reports go out by the channel too, which must need no turn of this thread's
 * own loop. A shard has a thread of its own (shard-thread.ts) or shares the main one (main-thread-shard.ts).
 *
 * Whatever throws here outside a flow's own step is a fault of the shard: it ends all its flows, says why, and stops.
 * The main thread starts another in its place.
 */
import { limits } from '../../limits.js';
import { Counters } from '../../metrics/counters.js';
import { EPOLLIN } from '../../sys/epoll.js';
import { sockaddrBytes } from '../../sys/sockaddr.js';
import { Arena } from './arena.js';
import { batchArenaBytes, DatagramBatch } from './datagram-batch.js';
import { EventLoop, type Handler } from './event-loop.js';
import { HoldPool } from './hold-pool.js';
import { OutgoingBatch } from './outgoing-batch.js';
import { PipePool } from './pipe-pool.js';
import { PreparedTargets } from './prepared-route.js';
import { Scarcity } from './scarcity.js';
import { EndBatch, type ShardContext } from './shard-context.js';
import type { Command, Report, ShardService, ShardStart } from './shard-messages.js';
import type { ShardServer } from './shard-server.js';
import { SharedClock } from './shared-clock.js';
import { openSyscalls } from './syscalls.js';
import { TcpAcceptor } from './tcp-acceptor.js';
import { UdpRelay } from './udp-relay.js';

const arenaBytes = limits.copyBytes + 2 * batchArenaBytes + 64 * 1024;

/** How commands reach a shard, and its reports the main thread. */
export interface ShardChannel {
  /** The next command that waits. */
  receive(): Command | undefined;
  report(report: Report): void;
}

export class Shard implements Handler {
  readonly #channel: ShardChannel;
  readonly #clock: SharedClock;
  readonly #context: ShardContext;
  readonly #servers = new Map<number, ShardServer>();
  readonly #eventDescriptor: number;

  constructor(start: ShardStart, channel: ShardChannel) {
    this.#channel = channel;
    this.#clock = new SharedClock(start.clock);
    this.#context = openContext(start, this.#clock, channel.report);
    this.#eventDescriptor = start.eventDescriptor;
    const { loop, ends, outgoing } = this.#context;
    loop.beforeSleep = () => {
      outgoing.flush();
      return ends.flushDue();
    };
    const errno = loop.add(start.eventDescriptor, this, EPOLLIN);
    if (errno !== 0) throw new Error(`epoll would not watch the eventfd: errno ${errno}`);
  }

  get loop(): EventLoop {
    return this.#context.loop;
  }

  /** One turn of its loop; false once it has ended, by command or by a fault of its own. */
  turn(): boolean {
    try {
      if (this.#context.loop.turn()) return true;
    } catch (error) {
      const flows = this.#context.flows;
      this.#endAll();
      this.#channel.report({
        kind: 'failed',
        flows,
        cause: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    this.#context.loop.end();
    this.#context.ends.flush();
    this.#context.pipes.closeSpare();
    return false;
  }

  /** Reports the flows that have ended so far. */
  flush(): void {
    this.#context.ends.flush();
  }

  /** The eventfd was written: commands wait. */
  onEvents(): void {
    const { sys, arena, scratch } = this.#context;
    sys.read(this.#eventDescriptor, arena.address(scratch), 8);
    for (;;) {
      const command = this.#channel.receive();
      if (command === undefined) return;
      this.#obey(command);
    }
  }

  /** A command that cannot be carried out leaves the shard in a state nobody knows. */
  onFault(error: unknown): void {
    throw error;
  }

  #obey(command: Command): void {
    const { loop, ends } = this.#context;
    if (command.kind === 'serve') this.#serve(command.served);
    else if (command.kind === 'route') this.#servers.get(command.service)?.setRoute(command.route);
    else if (command.kind === 'drain') this.#drain(command.service);
    else if (command.kind === 'look') this.#servers.get(command.service)?.look();
    else if (command.kind === 'close') this.#close(command.service);
    else if (command.kind === 'tick') {
      // The held clock was moved: what is due by now has to ring before this is answered.
      loop.nowMs = this.#clock.now();
      loop.wheel.advance(loop.nowMs);
      ends.flush();
      this.#channel.report({ kind: 'ticked', tick: command.tick });
    } else {
      this.#endAll();
      loop.stop();
    }
  }

  #serve(served: ShardService): void {
    const { service } = served;
    const counters = new Counters(served.counters);
    const whenEmpty = () => {
      this.#servers.delete(service);
      this.#context.ends.flush();
      this.#channel.report({ kind: 'empty', service });
    };
    const server =
      served.protocol === 'tcp'
        ? new TcpAcceptor(this.#context, served, counters, whenEmpty)
        : new UdpRelay(this.#context, served, counters, whenEmpty);
    this.#servers.set(service, server);
  }

  #drain(service: number): void {
    const server = this.#servers.get(service);
    if (server === undefined) return;
    if (server.detachedAtOnce) this.#channel.report({ kind: 'detached', service });
    server.detach();
  }

  #close(service: number): void {
    const server = this.#servers.get(service);
    if (server === undefined) return;
    server.endAll('drain-grace-over');
    // It may have been detached before, and be empty by now.
    if (this.#servers.has(service)) server.detach();
  }

  #endAll(): void {
    for (const server of this.#servers.values()) server.endAll('internal-error');
  }
}

function openContext(start: ShardStart, clock: SharedClock, report: (report: Report) => void): ShardContext {
  const sys = openSyscalls();
  const arena = new Arena(arenaBytes);
  const loop = new EventLoop(sys, arena, clock);
  return {
    sys,
    arena,
    loop,
    pipes: new PipePool(sys, arena, {
      pipeBytes: limits.pipeBytes,
      most: limits.pipesPerShard,
      mostSpare: limits.sparePipesPerShard,
    }),
    holds: new HoldPool(),
    targets: new PreparedTargets(),
    scarcity: new Scarcity(loop, (message) => report({ kind: 'trouble', message })),
    ends: new EndBatch(start.reportEnds, (records) => report({ kind: 'ends', records })),
    incoming: new DatagramBatch(arena),
    outgoing: new OutgoingBatch(new DatagramBatch(arena), sys),
    owned: new Uint8Array(start.owned),
    maxFlows: start.maxFlows,
    flows: 0,
    copyBuffer: arena.take(limits.copyBytes),
    scratch: arena.take(64),
    acceptBuffer: arena.take(sockaddrBytes + 8),
    report,
  };
}

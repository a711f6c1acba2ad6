/**
 * A shard: a worker thread that forwards, in a loop over epoll that blocks.
 *
 * While it is blocked none of this thread's timers, promises or message events run. Commands therefore come by a written
 * eventfd, after which the message port is read; reports go out by postMessage, which needs no turn of this thread's loop.
 *
 * Whatever throws here outside a flow's own step is a fault of the shard: it ends all its flows, says why, and stops.
 * The main thread starts another in its place. A listener that cannot even be served is told of alone, since another
 * shard would fare no better with it.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
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

class Shard implements Handler {
  readonly #context: ShardContext;
  readonly #servers = new Map<number, ShardServer>();
  readonly #eventDescriptor: number;

  constructor(start: ShardStart) {
    this.#context = openContext(start);
    this.#eventDescriptor = start.eventDescriptor;
    const { loop, ends, outgoing } = this.#context;
    loop.beforeSleep = () => {
      outgoing.flush();
      return ends.flushDue();
    };
    const errno = loop.add(start.eventDescriptor, this, EPOLLIN);
    if (errno !== 0) throw new Error(`epoll would not watch the eventfd: errno ${errno}`);
  }

  run(): void {
    try {
      this.#context.loop.run();
    } catch (error) {
      const flows = this.#context.flows;
      this.#endAll();
      report({ kind: 'failed', flows, cause: causeOf(error) });
    }
    this.#context.ends.flush();
    this.#context.pipes.closeUnused();
  }

  /** The eventfd was written: commands wait. */
  onEvents(): void {
    const { sys, arena, scratch } = this.#context;
    sys.read(this.#eventDescriptor, arena.address(scratch), 8);
    if (parentPort === null) return;
    for (;;) {
      const received = receiveMessageOnPort(parentPort) as { message: Command } | undefined;
      if (received === undefined) return;
      this.#obey(received.message);
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
      loop.nowMs = clock.now();
      loop.wheel.advance(loop.nowMs);
      ends.flush();
      report({ kind: 'ticked', tick: command.tick });
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
      report({ kind: 'empty', service });
    };
    const Server = served.protocol === 'tcp' ? TcpAcceptor : UdpRelay;
    try {
      this.#servers.set(service, new Server(this.#context, served, counters, whenEmpty));
    } catch (error) {
      // It holds nothing yet, and the services beside it have no part in it.
      report({ kind: 'unserved', service, cause: causeOf(error) });
    }
  }

  #drain(service: number): void {
    const server = this.#servers.get(service);
    if (server === undefined) return;
    if (server.detachedAtOnce) report({ kind: 'detached', service });
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

function openContext(start: ShardStart): ShardContext {
  const sys = openSyscalls();
  const arena = new Arena(arenaBytes);
  const loop = new EventLoop(sys, arena, clock);
  return {
    sys,
    arena,
    loop,
    pipes: new PipePool(sys, arena, {
      pipeBytes: limits.pipeBytes,
      most: start.maxPipes,
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

/** In one line: what was thrown, and where. */
function causeOf(error: unknown): string {
  const where = error instanceof Error ? error.stack?.split('\n').find((line) => /^ +at /.test(line)) : '';
  return `${String(error)}${where === undefined ? '' : where.replace(/^ +/, ' ')}`;
}

function report(message: Report): void {
  parentPort?.postMessage(message);
}

const start = workerData as ShardStart;
const clock = new SharedClock(start.clock);
new Shard(start).run();

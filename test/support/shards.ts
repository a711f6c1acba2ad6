/** Shards without an engine, whose turns the test gives them. */
import type { MovedFlow } from '../../src/engine/splice/moved-flow.js';
import { OwnedDescriptors } from '../../src/engine/splice/owned-descriptors.js';
import { Shard } from '../../src/engine/splice/shard.js';
import type { ShardHandle } from '../../src/engine/splice/shard-handle.js';
import type { Report, ShardService, ShardSetup } from '../../src/engine/splice/shard-messages.js';
import type { ShardRoute } from '../../src/engine/splice/shard-route.js';
import { SharedClock } from '../../src/engine/splice/shared-clock.js';
import { TcpFlowCounts } from '../../src/engine/splice/tcp-flow-counts.js';
import { Counters } from '../../src/metrics/counters.js';
import { AF_INET, SOCK_STREAM } from '../../src/sys/socket.js';
import { testRoute } from '../conformance/rig.js';
import type { RawSockets } from './raw-sockets.js';
import type { Scope } from './scope.js';
import { endpointOf } from './tcp-peers.js';
import { until } from './until.js';

/** More than anything that a test waits for takes. */
const enoughTurns = 1_000;

/** What a shard, or its thread, is made with where nothing else matters. */
export function shardSetup(): ShardSetup {
  return {
    owned: new OwnedDescriptors().memory,
    clock: new SharedClock().memory,
    share: { maxFlows: 10, maxPipes: 10 },
    tcpFlowCounts: new TcpFlowCounts().memory,
    place: 0,
    reportEnds: false,
  };
}

/** Freed, with all that it still has, after the test. */
export function startShard(
  scope: Scope,
  report: (report: Report) => void = () => undefined,
  setup: Partial<ShardSetup> = {},
): Shard {
  const whole = { ...shardSetup(), ...setup };
  const shard = new Shard(whole, report);
  scope.onEnd(() => {
    shard.free();
    new OwnedDescriptors(whole.owned, whole.place).closeAll();
  });
  return shard;
}

/** Serves an IPv4 listener in a shard, as service 1, and gives its counters. */
export function serveIn(
  shard: Shard,
  descriptor: number,
  route: Partial<ShardRoute> = {},
  protocol: ShardService['protocol'] = 'tcp',
): Counters {
  const served = servedFrom(descriptor, route, protocol);
  shard.obey({ kind: 'serve', served });
  return new Counters(served.counters);
}

function servedFrom(
  descriptor: number,
  route: Partial<ShardRoute>,
  protocol: ShardService['protocol'] = 'tcp',
): ShardService {
  return {
    service: 1,
    protocol,
    descriptor,
    family: 4,
    wildcard: false,
    counters: new Counters().memory,
    route: { ...testRoute, targets: [], shared: false, waitingFlows: 1, ...route },
  };
}

/** A port of 127.0.0.1, as a shard's route has it. */
export function loopbackTarget(port: number): ShardRoute['targets'][number] {
  return { kind: 'ip', ...endpointOf('127.0.0.1', port), textNumber: 0 };
}

/** A flow on its way, of which only the number of its sockets matters. */
export function movedFlow(descriptor: number): MovedFlow {
  const side = { descriptor, urgent: false, tuned: true, sentTo: true, received: 1 };
  return {
    client: side,
    target: side,
    clientPort: 1,
    clientWords: 1,
    address: undefined,
    ageMs: 1,
    idleTimeoutMs: undefined,
  };
}

/** Has a shard that turns by itself serve a listener, and opens a flow through it, which has passed on a byte. */
export async function openFlowIn(
  shard: ShardHandle,
  raw: RawSockets,
): Promise<[client: number, accepted: number]> {
  const [target, listener] = [raw.listener(SOCK_STREAM), raw.listener(SOCK_STREAM)];
  const served = servedFrom(listener.descriptor, { targets: [loopbackTarget(target.port)] });
  shard.send({ kind: 'serve', served });
  const client = raw.socket(AF_INET, SOCK_STREAM);
  raw.connect(client, listener.port);
  await until('it to be dialled', () => raw.awaits(target.descriptor));
  const accepted = raw.accept(target.descriptor);
  raw.send(client, 1);
  await until('a byte of it', () => raw.recv(accepted, 1) === 1);
  return [client, accepted];
}

/** Gives a shard turns until this holds. */
export function turnUntil(shard: Shard, holds: () => boolean): void {
  for (let turns = 0; turns < enoughTurns; turns += 1) {
    if (holds()) return;
    shard.loop.turn(10);
  }
  throw new Error(`${enoughTurns} turns were not enough`);
}

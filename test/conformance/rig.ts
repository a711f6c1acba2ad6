/** An engine under test, driven through its seam alone. */
import type { Endpoint } from '../../src/address/endpoint.js';
import type {
  Engine,
  EngineOptions,
  FlowEnd,
  Listener,
  Route,
  Service,
  TargetAddress,
} from '../../src/engine/engine.js';
import type { Binder } from '../../src/listener/binder.js';
import type { Protocol } from '../../src/publish/protocol.js';
import type { Scope } from '../support/scope.js';
import { endpointOf, readExactly, tcpClient, tcpServer } from '../support/tcp-peers.js';
import { until } from '../support/until.js';

/** What the suite needs to know of an engine. */
export interface EngineUnderTest<L extends Listener = Listener> {
  readonly name: string;
  readonly binder: Binder<L>;
  /** What becomes of a connection past max_flows: an engine that can leaves it in the kernel's queue. */
  readonly atFlowLimit: 'resets' | 'waits';
  /** Lines that the flows of a listener wait in: threads that share it have one each. */
  readonly lines: number;
  /** Makes the engine, on a clock that only `advance` moves where it is to be held. */
  create(
    options: Omit<EngineOptions, 'clock'>,
    time: { readonly heldClock: boolean },
  ): { readonly engine: Engine<L>; readonly clock: TestClock };
}

export interface TestClock {
  /** Lets time pass for the engine; done when it has done what was due. */
  advance(ms: number): Promise<void>;
}

export interface Served {
  readonly endpoint: Endpoint;
  readonly service: Service;
}

export interface Rig {
  readonly clock: TestClock;
  readonly engine: Engine;
  /** Every flow end so far, and a wait for the next one that no call has been given yet. */
  readonly ends: readonly FlowEnd[];
  nextEnd(): Promise<FlowEnd>;
  readonly troubles: readonly string[];
  /** What the engine said it did to keep up. */
  readonly growth: readonly string[];
  /** Serves a free port of `host`. */
  serve(
    protocol: Protocol,
    host: string,
    targets: readonly TargetAddress[],
    route?: Partial<Route>,
  ): Promise<Served>;
}

export const testRoute: Omit<Route, 'targets'> = {
  waitMs: 0,
  connectTimeoutMs: 10_000,
  idleTimeoutMs: undefined,
  udpUnansweredTimeoutMs: 30_000,
  udpTimeoutMs: 90_000,
  maxFlows: 4096,
};

export interface RigOptions {
  readonly maxFlows?: number;
  /** False: real time passes. */
  readonly heldClock?: boolean;
}

export function startRig<L extends Listener>(
  scope: Scope,
  under: EngineUnderTest<L>,
  { maxFlows = 100_000, heldClock = true }: RigOptions = {},
): Rig {
  const ends: FlowEnd[] = [];
  let claimed = 0;
  const troubles: string[] = [];
  const growth: string[] = [];
  const { engine, clock } = under.create(
    {
      maxFlows,
      onFlowEnds: (batch) => ends.push(...batch),
      onTrouble: (message) => troubles.push(message),
      onGrowth: (message) => growth.push(message),
    },
    { heldClock },
  );
  scope.onEnd(() => engine.close());
  let services = 0;
  return {
    clock,
    engine,
    ends,
    troubles,
    growth,
    nextEnd: async () => {
      const index = claimed++;
      await until(`flow end ${index + 1}`, () => ends.length > index);
      const end = ends[index];
      if (end === undefined) throw new Error('unreachable');
      return end;
    },
    serve: async (protocol, host, targets, route = {}) => {
      const listener = await under.binder.bind(protocol, endpointOf(host, 0));
      const service = engine.serve(listener, { ...testRoute, targets, ...route }, services++);
      return { endpoint: listener.endpoint, service };
    },
  };
}

/** A TCP flow that is open on both sides: a byte has gone each way. */
export async function openFlow(
  scope: Scope,
  rig: Rig,
  listen: string,
  target: string,
  route?: Partial<Route>,
) {
  const server = await tcpServer(scope, target);
  const { endpoint, service } = await rig.serve('tcp', listen, [server.address], route);
  const client = tcpClient(scope, endpoint);
  client.write('>');
  const accepted = await server.next();
  await readExactly(accepted, 1);
  accepted.write('<');
  await readExactly(client, 1);
  return { rig, endpoint, service, client, accepted };
}

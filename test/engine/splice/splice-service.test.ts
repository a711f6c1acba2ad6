/** What the main thread does with flows on their way from one shard to another, when something comes between. */
import { beforeEach, expect, test } from '@jest/globals';
import type { MovedFlow } from '../../../src/engine/splice/moved-flow.js';
import type { Command } from '../../../src/engine/splice/shard-messages.js';
import { SpliceService } from '../../../src/engine/splice/splice-service.js';
import { Counters } from '../../../src/metrics/counters.js';
import { SOCK_STREAM } from '../../../src/sys/socket.js';
import { testRoute } from '../../conformance/rig.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { endpointOf } from '../../support/tcp-peers.js';

const address = { kind: 'ip', ...endpointOf('127.0.0.1', 80) } as const;

describeWhere(process.platform === 'linux', 'not Linux', 'while flows go from one shard to another', () => {
  const scope = useScope();
  let service: SpliceService;
  let sent: [shard: number, Command][];
  let handed: [shard: number, flows: number][];
  let troubles: string[];
  let isGone: boolean;
  let deadShard: number;
  let countersOf: Counters[];

  beforeEach(() => {
    sent = [];
    handed = [];
    troubles = [];
    countersOf = [];
    isGone = false;
    deadShard = -1;
    const listener = {
      protocol: 'tcp',
      endpoint: endpointOf('127.0.0.1', 8_080),
      descriptor: 0,
      wildcard: false,
      refuse: () => undefined,
      close: () => Promise.resolve(),
    } as const;
    service = new SpliceService(listener, { ...testRoute, targets: [address] }, 1, [0], {
      send: (shard, command) => {
        sent.push([shard, command]);
        if (command.kind === 'serve') countersOf[shard] = new Counters(command.served.counters);
        return shard !== deadShard;
      },
      hand: (shard, _, flows) => {
        handed.push([shard, flows.length]);
        return shard !== deadShard;
      },
      trouble: (message) => troubles.push(message),
      gone: () => {
        isGone = true;
      },
    });
    countersOf[0]?.add('flowsOpened', 5);
    service.shareWith(1);
    service.spreadTo(1);
  });

  const kindsSent = (shard: number) => sent.filter(([to]) => to === shard).map(([, { kind }]) => kind);

  /** A flow of sockets that are the test's, and what its peers see of them. */
  function flow(): { moved: MovedFlow; peers: number[]; raw: RawSockets } {
    const raw = new RawSockets(scope);
    const [client, clientPeer] = raw.pair(SOCK_STREAM);
    const [target, targetPeer] = raw.pair(SOCK_STREAM);
    const side = (descriptor: number) => ({
      descriptor,
      urgent: false,
      tuned: true,
      sentTo: true,
      received: 1,
    });
    const moved: MovedFlow = {
      client: side(client),
      target: side(target),
      clientPort: 1,
      clientWords: 1,
      address: {
        key: '',
        domain: 2,
        sockaddr: new Uint8Array(),
        zone: '',
        namespace: undefined,
        pacing: 'kept',
        told: { kind: 'unix', textNumber: 0 },
      },
      ageMs: 1,
    };
    return { moved, peers: [clientPeer, targetPeer], raw };
  }

  test('a shard that has come up is given one in so many of the others’', () => {
    expect(sent.at(-1)).toEqual([0, { kind: 'give', service: 1, oneIn: 2, to: 1 }]);
    service.given(0, 1, [flow().moved]);
    expect(handed).toEqual([[1, 1]]);
    expect(service.flowCount()).toBe(5);
  });

  test.each(['drain', 'close'] as const)('a %s waits for them', async (how) => {
    const ended = service[how]();
    expect([kindsSent(0), kindsSent(1)].flat()).not.toContain(how);
    service.given(0, 1, []);
    await Promise.resolve();
    expect([kindsSent(0), kindsSent(1)].map((kinds) => kinds.at(-1))).toEqual([how, how]);
    service.empty(0);
    service.empty(1);
    await ended;
    expect(isGone).toBe(true);
  });

  test('neither waits for a shard that has died', async () => {
    const drained = service.drain();
    expect(service.shardLost(0)).toBe(5);
    service.empty(1);
    await drained;
    expect(service.flowCount()).toBe(0);
  });

  test('who takes them is told once more which addresses are gone', () => {
    service.endFlowsTo([address]);
    expect(kindsSent(1).filter((kind) => kind === 'gone')).toHaveLength(1);
    service.given(0, 1, []);
    expect(kindsSent(1).filter((kind) => kind === 'gone')).toHaveLength(2);
  });

  test('the one that gave them has them back where the other could not serve the listener', () => {
    service.unserved(1, 'no room');
    service.given(0, 1, [flow().moved]);
    expect(handed).toEqual([[0, 1]]);
    expect(service.shardLost(0)).toBe(5);
  });

  test('they are closed, counted and told of where the other has died', () => {
    deadShard = 1;
    const { moved, peers, raw } = flow();
    for (const { descriptor } of [moved.client, moved.target]) raw.disown(descriptor);
    service.given(0, 1, [moved]);
    expect(peers.map((peer) => raw.recv(peer, 1))).toEqual([0, 0]);
    expect(service.flowCount()).toBe(4);
    expect(troubles).toEqual([
      '1 flows were lost on their way to another thread, which has no place for them',
    ]);
  });

  test('they are counted as the other’s once it has them', () => {
    service.given(0, 1, [flow().moved, flow().moved]);
    expect(service.shardLost(1)).toBe(2);
    expect(service.shardLost(0)).toBe(3);
  });

  test('a shard that comes up once all is drained is given none', async () => {
    service.given(0, 1, []);
    const drained = service.drain();
    sent = [];
    service.spreadTo(1);
    expect(sent).toEqual([]);
    service.empty(0);
    service.empty(1);
    await drained;
  });
});

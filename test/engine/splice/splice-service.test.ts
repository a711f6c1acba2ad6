/** What the main thread does with flows on their way from one shard to another, when something comes between. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from '../../../src/engine/splice/shard-messages.js';
import { SpliceService } from '../../../src/engine/splice/splice-service.js';
import { Counters } from '../../../src/metrics/counters.js';
import { testRoute } from '../../conformance/rig.js';
import { movedFlow } from '../../support/shards.js';
import { endpointOf } from '../../support/tcp-peers.js';

const address = { kind: 'ip', ...endpointOf('127.0.0.1', 80) } as const;
const other = { kind: 'ip', ...endpointOf('127.0.0.1', 81) } as const;

const flow = () => movedFlow(-1);

/** What waits for flows on their way goes on a turn after the last of them. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('while flows go from one shard to another', () => {
  let service: SpliceService;
  let sent: [shard: number, Command][];
  /** Commands that carry flows. */
  let handed: [shard: number, kind: string, flows: number][];
  let closed: number;
  let troubles: string[];
  let isGone: boolean;
  const deadShards = new Set<number>();
  let countersOf: Counters[];

  beforeEach(() => {
    sent = [];
    handed = [];
    troubles = [];
    countersOf = [];
    isGone = false;
    closed = 0;
    deadShards.clear();
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
        return !deadShards.has(shard);
      },
      hand: (shard, command) => {
        sent.push([shard, command]);
        if (deadShards.has(shard)) return false;
        handed.push([shard, command.kind, command.flows.length]);
        return true;
      },
      closeSockets: (flows) => {
        closed += flows.length;
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

  const given = (flows: number, from = 0) => service.given(from, 1, Array.from({ length: flows }, flow));
  const taken = (back = 0, from = 0) => service.taken(1, from, Array.from({ length: back }, flow));

  test('a shard that has come up is given one in so many of the others’', () => {
    expect(sent.at(-1)).toEqual([0, { kind: 'give', service: 1, oneIn: 2, to: 1 }]);
    given(1);
    taken();
    expect(handed).toEqual([
      [1, 'take', 1],
      [0, 'moved', 0],
    ]);
    expect(sent.at(-1)?.[1]).toMatchObject({ given: 1 });
    expect(service.flowCount()).toBe(5);
  });

  test('a shard that was asked is not asked again before that is done', () => {
    const asked = () => kindsSent(0).filter((kind) => kind === 'give').length;
    service.spreadTo(1);
    given(1);
    service.spreadTo(1);
    expect(asked()).toBe(1);
    taken();
    service.spreadTo(1);
    expect(asked()).toBe(2);
  });

  test('another that has come up is too, though the first has not been given its part yet', () => {
    service.shareWith(2);
    service.spreadTo(2);
    expect(sent.filter(([, { kind }]) => kind === 'give')).toEqual([
      [0, { kind: 'give', service: 1, oneIn: 2, to: 1 }],
      [0, { kind: 'give', service: 1, oneIn: 3, to: 2 }],
      [1, { kind: 'give', service: 1, oneIn: 3, to: 2 }],
    ]);
    service.given(0, 2, [flow()]);
    given(2);
    expect(handed).toEqual([
      [2, 'take', 1],
      [1, 'take', 2],
    ]);
  });

  test.each(['drain', 'close'] as const)('a %s waits for them', async (how) => {
    const ended = service[how]();
    given(1);
    await Promise.resolve();
    expect([kindsSent(0), kindsSent(1)].flat()).not.toContain(how);
    taken();
    await nextTurn();
    expect([kindsSent(0), kindsSent(1)].map((kinds) => kinds.at(-1))).toEqual([how, how]);
    service.empty(0);
    service.empty(1);
    await ended;
    expect(isGone).toBe(true);
  });

  test('neither lets another begin while it waits', async () => {
    service.shareWith(2);
    void service.drain();
    sent = [];
    service.spreadTo(2);
    expect(sent).toEqual([]);
  });

  test('neither is over before they have come to where they go', async () => {
    void service.drain();
    service.empty(0);
    service.empty(1);
    expect(isGone).toBe(false);
    given(0);
    await nextTurn();
    expect(isGone).toBe(true);
  });

  test('neither waits for a shard that had ended before it was asked', async () => {
    given(0);
    deadShards.add(0);
    service.spreadTo(1);
    const drained = service.drain();
    service.empty(0);
    service.empty(1);
    await drained;
  });

  test('neither waits for a shard that has died before it gave any', async () => {
    const drained = service.drain();
    expect(service.shardLost(0)).toBe(5);
    await nextTurn();
    service.empty(1);
    await drained;
    expect(service.flowCount()).toBe(0);
  });

  test('neither waits for a shard that has died before it said what it took', async () => {
    const drained = service.drain();
    given(2);
    expect(service.shardLost(1)).toBe(2);
    expect(handed.at(-1)).toEqual([0, 'moved', 0]);
    await nextTurn();
    service.empty(0);
    await drained;
    expect(closed).toBe(0);
  });

  test('who takes them, or has them back, is told which addresses are gone since, and nobody else', () => {
    service.shareWith(2);
    service.spreadTo(2);
    service.endFlowsTo([address]);
    given(2);
    service.endFlowsTo([other]);
    taken(1);
    service.given(0, 2, [flow()]);
    const withFlows = sent.filter(([, { kind }]) => kind === 'take' || kind === 'moved');
    expect(withFlows).toMatchObject([
      [1, { kind: 'take', gone: [address] }],
      [0, { kind: 'moved', gone: [address, other] }],
      [2, { kind: 'take', gone: [address, other] }],
    ]);
    expect(kindsSent(1).filter((kind) => kind === 'gone')).toHaveLength(2);
  });

  test('the one that gave them has them back where the other has died', () => {
    deadShards.add(1);
    given(2);
    expect(handed).toEqual([[0, 'moved', 2]]);
    expect(service.shardLost(1)).toBe(0);
    expect(service.flowCount()).toBe(5);
  });

  test('it has those back that the other has no room for', () => {
    given(3);
    taken(1);
    expect(handed.at(-1)).toEqual([0, 'moved', 1]);
    expect(service.shardLost(1)).toBe(2);
    expect(service.shardLost(0)).toBe(3);
  });

  test('where both have died they are closed, counted and told of', () => {
    given(3);
    deadShards.add(0);
    expect(service.shardLost(0)).toBe(2);
    taken(1);
    expect([closed, service.flowCount()]).toEqual([1, 2]);
    expect(troubles).toEqual(['flows lost on their way from one thread to another: 1']);
    expect(service.shardLost(1)).toBe(2);
    expect(service.flowCount()).toBe(0);
  });

  test('they do not go back to what has taken the place of who gave them, nor are they counted there', () => {
    given(1);
    service.shardLost(0);
    service.serveAgain(0);
    const before = countersOf[0]?.snapshot();
    taken(1);
    expect(handed).toEqual([[1, 'take', 1]]);
    expect([closed, service.flowCount()]).toEqual([1, 0]);
    expect(countersOf[0]?.snapshot()).toEqual(before);
    expect(service.shardLost(0)).toBe(0);
  });

  test('they do not go to what has taken the place of who was to take them', () => {
    expect(service.shardLost(1)).toBe(0);
    service.serveAgain(1);
    given(2);
    expect(handed).toEqual([[0, 'moved', 2]]);
    expect(service.shardLost(0)).toBe(5);
  });

  test('those that nobody asked for are closed, and told of', () => {
    service.given(1, 0, [flow()]);
    expect([handed, closed, troubles.length]).toEqual([[], 1, 1]);
    expect([service.flowCount(), service.shardLost(1)]).toEqual([4, -1]);
  });

  test('a shard that comes up once all is drained is given none', async () => {
    given(0);
    const drained = service.drain();
    await nextTurn();
    sent = [];
    service.spreadTo(1);
    expect(sent).toEqual([]);
    service.empty(0);
    service.empty(1);
    await drained;
  });
});

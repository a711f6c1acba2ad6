/** What becomes of a TCP flow that one shard gives to another. */
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FlowEnd, TargetAddress } from '../../../src/engine/engine.js';
import { readEnd } from '../../../src/engine/splice/end-records.js';
import { descriptorsOf, type MovedFlow } from '../../../src/engine/splice/moved-flow.js';
import { OwnedDescriptors } from '../../../src/engine/splice/owned-descriptors.js';
import type { Shard } from '../../../src/engine/splice/shard.js';
import type { Report } from '../../../src/engine/splice/shard-messages.js';
import { SharedClock } from '../../../src/engine/splice/shared-clock.js';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { limits } from '../../../src/limits.js';
import { EPOLLIN } from '../../../src/sys/epoll.js';
import { Errno } from '../../../src/sys/errno.js';
import { AF_INET, SHUT_WR, SO_RCVBUF, SOCK_STREAM, SOL_SOCKET } from '../../../src/sys/socket.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { loopbackTarget, serveIn, startShard, turnUntil } from '../../support/shards.js';

const idleTimeoutMs = 10_000;

describeWhere(process.platform === 'linux', 'not Linux', 'of two shards', () => {
  const scope = useScope();
  const most = limits.flowsGivenAtOnce + 1;
  let raw: RawSockets;
  let clock: SharedClock;
  let counts: Int32Array;
  let owned: SharedArrayBuffer;
  let giver: Shard;
  let taker: Shard;
  let reports: Report[];
  let published: number;
  let listener: number;
  let target: { descriptor: number; port: number };
  let waiting: number;

  beforeEach(() => {
    raw = new RawSockets(scope);
    clock = new SharedClock();
    clock.holdAt(5_000);
    const tcpFlowCounts = new TcpFlowCounts().memory;
    counts = new Int32Array(tcpFlowCounts).subarray(0, 2);
    reports = [];
    owned = new OwnedDescriptors().memory;
    const start = (place: number) => {
      const share = { maxFlows: most, maxPipes: 10 };
      const setup = { clock: clock.memory, owned, share, tcpFlowCounts, place, reportEnds: true };
      return startShard(scope, (report) => reports.push(report), setup);
    };
    giver = start(0);
    taker = start(1);
    target = raw.listener(SOCK_STREAM);
    ({ descriptor: listener, port: published } = raw.listener(SOCK_STREAM));
    waiting = raw.epoll();
    raw.watch(waiting, target.descriptor, EPOLLIN);
  });

  function serve(
    shard: Shard,
    bounds: { readonly maxFlows?: number; readonly idleTimeoutMs?: number } = {},
  ): void {
    const targets = [loopbackTarget(target.port)];
    serveIn(shard, listener, { targets, idleTimeoutMs, maxFlows: most, ...bounds });
  }

  function openFlow(): { client: number; accepted: number } {
    const client = raw.socket(AF_INET, SOCK_STREAM);
    raw.connect(client, published);
    turnUntil(giver, () => raw.events(waiting) !== 0);
    const accepted = raw.accept(target.descriptor);
    // It has been told by then that its dial was answered.
    pass(giver, client, accepted, 1);
    return { client, accepted };
  }

  /** Sends from one side to the other, by way of a shard. */
  function pass(shard: Shard, from: number, to: number, bytes: number): void {
    raw.send(from, bytes);
    turnUntil(shard, () => raw.waiting(to) >= bytes);
    expect(raw.recv(to, bytes + 1)).toBe(bytes);
  }

  function give(oneIn = 1): readonly MovedFlow[] {
    giver.obey({ kind: 'give', service: 1, oneIn, to: 1 });
    const report = reports.at(-1);
    if (report?.kind !== 'given') throw new Error('nothing was given');
    expect(report).toMatchObject({ service: 1, to: 1 });
    return report.flows;
  }

  /** Has the other take them, as the main thread does it; gives those that it did not. */
  function take(flows: readonly MovedFlow[], gone: readonly TargetAddress[] = []): readonly MovedFlow[] {
    for (const descriptor of descriptorsOf(flows)) new OwnedDescriptors(owned, 1).add(descriptor);
    taker.obey({ kind: 'take', service: 1, from: 0, flows: structuredClone(flows), gone });
    const report = reports.findLast(({ kind }) => kind === 'taken');
    if (report?.kind !== 'taken') throw new Error('nothing was said of what was taken');
    expect(report).toMatchObject({ service: 1, from: 0 });
    return report.back;
  }

  /** Tells who gave so many that they have another shard, but for these. */
  function moved(given: number, back: readonly MovedFlow[], gone: readonly TargetAddress[] = []): void {
    for (const descriptor of descriptorsOf(back)) new OwnedDescriptors(owned, 0).add(descriptor);
    giver.obey({ kind: 'moved', service: 1, given, flows: structuredClone(back), gone });
  }

  /** The next end that a shard tells of. */
  function endIn(shard: Shard): FlowEnd {
    const told = () => {
      shard.obey({ kind: 'tick', tick: 0 });
      return reports.find((report) => report.kind === 'ends');
    };
    turnUntil(shard, () => told() !== undefined);
    const report = told();
    if (report?.kind !== 'ends') throw new Error('unreachable');
    return readEnd(report.records, 0, () => '');
  }

  describe('a flow goes from one to the other', () => {
    beforeEach(() => {
      serve(giver);
      serve(taker);
    });

    test('and on where it was, with its bytes and its age', () => {
      const { client, accepted } = openFlow();
      pass(giver, client, accepted, 10);
      pass(giver, accepted, client, 20);
      clock.holdAt(5_100);
      const flows = give();
      expect(flows).toHaveLength(1);
      expect([...counts]).toEqual([0, 0]);
      clock.holdAt(6_000);
      take(flows);
      expect([...counts]).toEqual([0, 1]);
      pass(taker, client, accepted, 100);
      pass(taker, accepted, client, 200);
      for (const socket of [client, accepted]) raw.sys.shutdown(socket, SHUT_WR);
      // What it is on its way for is not a part of its age.
      expect(endIn(taker)).toMatchObject({
        client: { ip: { text: '127.0.0.1' } },
        target: { port: target.port },
        bytesIn: 111,
        bytesOut: 220,
        milliseconds: 100,
        reason: 'done',
      });
      expect([...counts]).toEqual([0, 0]);
    });

    test('and what came while nobody had it is passed on, its FIN too', () => {
      const { client, accepted } = openFlow();
      const flows = give();
      raw.send(client, 10);
      raw.sys.shutdown(client, SHUT_WR);
      giver.loop.turn(0);
      expect(raw.waiting(accepted)).toBe(0);
      take(flows);
      turnUntil(taker, () => raw.waiting(accepted) === 10);
      expect(raw.recv(accepted, 10)).toBe(10);
      turnUntil(taker, () => raw.recv(accepted, 10) === 0);
      pass(taker, accepted, client, 20);
    });

    test('and ends when it was idle there for as long as it might be where it came from', () => {
      taker.obey({ kind: 'drain', service: 1 });
      serve(taker, { idleTimeoutMs: 10 * idleTimeoutMs });
      openFlow();
      clock.holdAt(5_200);
      take(give());
      taker.loop.turn(0);
      clock.holdAt(5_200 + idleTimeoutMs - 1);
      taker.loop.turn(0);
      expect([...counts]).toEqual([0, 1]);
      clock.holdAt(5_200 + idleTimeoutMs);
      expect(endIn(taker)).toMatchObject({ reason: 'idle-timeout' });
    });

    test('and no timer of it rings where it was', () => {
      const { client, accepted } = openFlow();
      take(give());
      clock.holdAt(5_000 + limits.tuneAfterMs + idleTimeoutMs);
      giver.loop.turn(0);
      pass(taker, client, accepted, 10);
    });

    test('and its sockets stay marked as the first one’s until the main thread marks them as the other’s', () => {
      openFlow();
      const sockets = descriptorsOf(give());
      expect(sockets.map((socket) => new OwnedDescriptors(owned, 0).has(socket))).toEqual([true, true]);
    });

    test('and ends where its address is nobody’s any more since', () => {
      openFlow();
      take(give(), [loopbackTarget(target.port)]);
      expect(endIn(taker)).toMatchObject({ reason: 'target-gone' });
    });

    test.each([
      ['client', 0],
      ['target', 1],
    ])('and waits there until epoll has the room to watch its %s', (_, watchedBefore) => {
      const { client, accepted } = openFlow();
      const flows = give();
      const add = taker.loop.add.bind(taker.loop);
      let asked = 0;
      jest.spyOn(taker.loop, 'add').mockImplementation((...what) => {
        asked += 1;
        return asked === watchedBefore + 1 ? Errno.ENOSPC : add(...what);
      });
      expect(take(flows)).toEqual([]);
      expect(reports.filter(({ kind }) => kind === 'trouble')).toEqual([
        {
          kind: 'trouble',
          message: 'a connection waits to be watched: ENOSPC; it goes on when there is room again',
        },
      ]);
      raw.send(client, 10);
      clock.holdAt(5_000 + 2 * limits.scarcityRetryMs);
      turnUntil(taker, () => raw.waiting(accepted) === 10);
      expect([...counts]).toEqual([0, 1]);
    });

    describe('and while it waits there to be watched', () => {
      beforeEach(() => {
        openFlow();
        const flows = give();
        jest.spyOn(taker.loop, 'add').mockReturnValue(Errno.ENOSPC);
        take(flows);
      });

      test('ends after a while, and says why', () => {
        clock.holdAt(5_000 + limits.scarcityFlowMs - limits.scarcityRetryMs);
        taker.loop.turn(0);
        expect([...counts]).toEqual([0, 1]);
        clock.holdAt(5_000 + limits.scarcityFlowMs + limits.scarcityRetryMs);
        expect(endIn(taker)).toMatchObject({ reason: 'internal-error', error: 'ENOSPC' });
      });

      test('ends at once where its address is nobody’s any more', () => {
        taker.obey({ kind: 'gone', service: 1, addresses: [loopbackTarget(target.port)] });
        expect(endIn(taker)).toMatchObject({ reason: 'target-gone' });
      });
    });

    test('but for that it has to be the turn of its like: one in so many goes', () => {
      for (let flow = 0; flow < 5; flow += 1) openFlow();
      expect(give(2)).toHaveLength(2);
      expect(counts[0]).toBe(3);
    });

    test('but no more than the bound at once', () => {
      for (let flow = 0; flow < most; flow += 1) openFlow();
      expect(give()).toHaveLength(limits.flowsGivenAtOnce);
      expect(counts[0]).toBe(1);
    });
  });

  test.each<[string, (flow: { client: number; accepted: number }) => void]>([
    [
      'a FIN of its client has been passed on',
      ({ client, accepted }) => {
        raw.sys.shutdown(client, SHUT_WR);
        turnUntil(giver, () => raw.recv(accepted, 1) === 0);
      },
    ],
    [
      'its client takes nothing of what its target has sent',
      ({ client, accepted }) => {
        raw.setOption(client, SOL_SOCKET, SO_RCVBUF, 4_096);
        let sent = 0;
        // More than the kernel holds for a socket on either side of it.
        while (sent < 16 << 20) {
          const count = raw.send(accepted, raw.dataBytes);
          if (count < 0) break;
          sent += count;
          for (let turn = 0; turn < 50; turn += 1) giver.loop.turn(0);
        }
      },
    ],
    ['it has moved nothing lately', () => clock.holdAt(5_001 + limits.loadWindowMs)],
  ])('a flow stays where %s', (_, prepare) => {
    serve(giver);
    const flow = openFlow();
    prepare(flow);
    giver.obey({ kind: 'tick', tick: 1 });
    expect(give()).toEqual([]);
    expect(counts[0]).toBe(1);
  });

  describe('of what it was given one gives back', () => {
    test('all where it does not serve it', () => {
      serve(giver);
      openFlow();
      const flows = give();
      expect(take(flows)).toEqual(flows);
    });

    test('what would be more than its part of the bound', () => {
      serve(giver);
      serve(taker, { maxFlows: 2 });
      for (let flow = 0; flow < 3; flow += 1) openFlow();
      const flows = give();
      expect(take(flows)).toEqual(flows.slice(2));
      expect([...counts]).toEqual([0, 2]);
    });

    test('what would be more than its share of the descriptors', () => {
      taker.obey({ kind: 'share', share: { maxFlows: 1, maxPipes: 1 } });
      for (const shard of [giver, taker]) serve(shard);
      for (let flow = 0; flow < 2; flow += 1) openFlow();
      const flows = give();
      expect(take(flows)).toEqual(flows.slice(1));
    });
  });

  describe('what comes back goes on where it was', () => {
    let flow: { client: number; accepted: number };
    let flows: readonly MovedFlow[];

    beforeEach(() => {
      serve(giver);
      flow = openFlow();
      flows = give();
    });

    test('with its bytes and its age', () => {
      clock.holdAt(6_000);
      moved(1, flows);
      expect([...counts]).toEqual([1, 0]);
      pass(giver, flow.client, flow.accepted, 100);
      for (const socket of [flow.client, flow.accepted]) raw.sys.shutdown(socket, SHUT_WR);
      expect(endIn(giver)).toMatchObject({ bytesIn: 101, milliseconds: 0, reason: 'done' });
    });

    test('but for those to an address that is nobody’s any more since', () => {
      moved(1, flows, [loopbackTarget(target.port)]);
      expect(endIn(giver)).toMatchObject({ reason: 'target-gone' });
    });
  });

  describe('until it is told that they have another shard', () => {
    test.each<[string, () => void]>([
      ['its bound', () => serve(giver, { maxFlows: 3 })],
      [
        'its share of the descriptors',
        () => {
          giver.obey({ kind: 'share', share: { maxFlows: 3, maxPipes: 1 } });
          serve(giver);
        },
      ],
    ])('what one gave takes up %s', (_, begin) => {
      begin();
      const stays = openFlow();
      raw.sys.shutdown(stays.client, SHUT_WR);
      turnUntil(giver, () => raw.recv(stays.accepted, 1) === 0);
      for (let flow = 0; flow < 2; flow += 1) openFlow();
      const later = [0, 1].map(() => raw.socket(AF_INET, SOCK_STREAM));
      for (const client of later) raw.connect(client, published);
      const flows = give();
      expect(flows).toHaveLength(2);
      raw.sys.shutdown(stays.accepted, SHUT_WR);
      turnUntil(giver, () => raw.events(waiting) !== 0);
      raw.accept(target.descriptor);
      for (let turn = 0; turn < 10; turn += 1) giver.loop.turn(0);
      expect(raw.events(waiting)).toBe(0);
      moved(2, flows.slice(1));
      for (let turn = 0; turn < 10; turn += 1) giver.loop.turn(0);
      expect([raw.events(waiting), counts[0]]).toEqual([EPOLLIN, 3]);
    });
  });

  test('one gives nothing of what it does not serve', () => {
    expect(give()).toEqual([]);
  });
});

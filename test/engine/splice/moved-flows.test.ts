/** What becomes of a TCP flow that one shard gives to another. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FlowEnd } from '../../../src/engine/engine.js';
import { readEnd } from '../../../src/engine/splice/end-records.js';
import type { MovedFlow } from '../../../src/engine/splice/moved-flow.js';
import type { Shard } from '../../../src/engine/splice/shard.js';
import type { Report } from '../../../src/engine/splice/shard-messages.js';
import { SharedClock } from '../../../src/engine/splice/shared-clock.js';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { limits } from '../../../src/limits.js';
import { EPOLLIN } from '../../../src/sys/epoll.js';
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
    const start = (place: number) => {
      const share = { maxFlows: most, maxPipes: 10 };
      const setup = { clock: clock.memory, share, tcpFlowCounts, place, reportEnds: true };
      return startShard(scope, (report) => reports.push(report), setup);
    };
    giver = start(0);
    taker = start(1);
    target = raw.listener(SOCK_STREAM);
    ({ descriptor: listener, port: published } = raw.listener(SOCK_STREAM));
    waiting = raw.epoll();
    raw.watch(waiting, target.descriptor, EPOLLIN);
  });

  function serve(shard: Shard): void {
    serveIn(shard, listener, { targets: [loopbackTarget(target.port)], idleTimeoutMs, maxFlows: most });
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

  /** As a thread's port does it. */
  function take(flows: readonly MovedFlow[]): void {
    taker.obey({ kind: 'take', service: 1, flows: structuredClone(flows) });
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

    test('and ends when it was idle there for as long as it may be', () => {
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

  test('one that does not serve it closes what it is given, and says so', () => {
    serve(giver);
    const { client, accepted } = openFlow();
    take(give());
    expect(reports.at(-1)).toEqual({ kind: 'not-taken', service: 1, flows: 1 });
    expect([raw.recv(client, 1), raw.recv(accepted, 1)]).toEqual([0, 0]);
    expect([...counts]).toEqual([0, 0]);
  });

  test('one gives nothing of what it does not serve', () => {
    expect(give()).toEqual([]);
  });
});

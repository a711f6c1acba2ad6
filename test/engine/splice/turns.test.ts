/** What a shard does within one turn, which the test gives it, when others have used the turn up. */
import { beforeEach, expect, test } from '@jest/globals';
import type { Worker } from '../../../src/engine/splice/event-loop.js';
import type { Shard } from '../../../src/engine/splice/shard.js';
import type { Report } from '../../../src/engine/splice/shard-messages.js';
import { SharedClock } from '../../../src/engine/splice/shared-clock.js';
import { limits } from '../../../src/limits.js';
import { EPOLLIN } from '../../../src/sys/epoll.js';
import { AF_INET, SOCK_STREAM } from '../../../src/sys/socket.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { loopbackTarget, serveIn, startShard, turnUntil } from '../../support/shards.js';

describeWhere(process.platform === 'linux', 'not Linux', 'in a turn that others have used up', () => {
  const scope = useScope();
  const bulkBytes = 8 * limits.copyBytes;
  let raw: RawSockets;
  let shard: Shard;
  let reports: Report[];
  let published: number;
  let target: { descriptor: number; port: number };

  beforeEach(() => {
    raw = new RawSockets(scope);
    reports = [];
    const clock = new SharedClock();
    clock.holdAt(5_000);
    shard = startShard(scope, (report) => reports.push(report), { clock: clock.memory });
    target = raw.listener(SOCK_STREAM);
    const listener = raw.listener(SOCK_STREAM);
    published = listener.port;
    serveIn(shard, listener.descriptor, { targets: [loopbackTarget(target.port)] });
  });

  function openFlow(): { client: number; accepted: number } {
    const epoll = raw.epoll();
    raw.watch(epoll, target.descriptor, EPOLLIN);
    const client = raw.socket(AF_INET, SOCK_STREAM);
    raw.connect(client, published);
    turnUntil(shard, () => raw.events(epoll) !== 0);
    const flow = { client, accepted: raw.accept(target.descriptor) };
    raw.send(flow.accepted, 1);
    turnUntil(shard, () => raw.recv(flow.client, 1) === 1);
    return flow;
  }

  /** So much, and so fast, that it goes through a pipe. */
  function carryBulk({ client, accepted }: { client: number; accepted: number }): void {
    let left = bulkBytes;
    raw.send(accepted, left);
    turnUntil(shard, () => {
      left -= Math.max(0, raw.recv(client, left));
      return left === 0;
    });
  }

  /** From now on an event and a worker before all others use up either part of every turn. */
  function useUpTurns(): void {
    const { loop } = shard;
    const [readEnd, writeEnd] = raw.pipe();
    raw.close(writeEnd);
    const spend = () => loop.spend(limits.bytesPerPart);
    const onFault = (error: unknown) => {
      throw error;
    };
    loop.add(readEnd, { onEvents: spend, onFault }, EPOLLIN);
    const greedy: Worker = {
      queued: false,
      work: () => {
        spend();
        loop.enqueue(greedy);
      },
      onFault,
    };
    loop.enqueue(greedy);
    loop.turn(0);
  }

  test('a few bytes are passed on all the same', () => {
    const flow = openFlow();
    useUpTurns();
    raw.send(flow.accepted, 3);
    shard.loop.turn(0);
    expect(raw.recv(flow.client, 10)).toBe(3);
  });

  test('bulk waits for the next one', () => {
    const flow = openFlow();
    carryBulk(flow);
    useUpTurns();
    raw.send(flow.accepted, 1_000);
    shard.loop.turn(0);
    expect(raw.recv(flow.client, 2_000)).toBe(-1);
    shard.loop.turn(0);
    expect(raw.recv(flow.client, 2_000)).toBe(1_000);
  });

  test('what is sent over a flow that is given away meanwhile waits for who takes it', () => {
    const flow = openFlow();
    carryBulk(flow);
    useUpTurns();
    raw.send(flow.client, 1_000);
    shard.loop.turn(0);
    shard.obey({ kind: 'give', service: 1, oneIn: 1, to: 1 });
    expect(reports).toMatchObject([{ kind: 'given', flows: [{ target: { received: 1 + bulkBytes } }] }]);
    shard.loop.turn(0);
    expect(raw.recv(flow.accepted, 2_000)).toBe(-1);
  });
});

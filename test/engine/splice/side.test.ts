/** What of a side goes with its flow to another shard, and when it may go. */
import { expect, test } from '@jest/globals';
import { Arena } from '../../../src/engine/splice/arena.js';
import { EventLoop } from '../../../src/engine/splice/event-loop.js';
import { movedFlow, sideOf } from '../../../src/engine/splice/moved-flow.js';
import { PipePool } from '../../../src/engine/splice/pipe-pool.js';
import { SharedClock } from '../../../src/engine/splice/shared-clock.js';
import { Side } from '../../../src/engine/splice/side.js';
import { letGo } from '../../../src/engine/splice/socket-fate.js';
import { openSyscalls } from '../../../src/engine/splice/syscalls.js';
import { SOCK_STREAM } from '../../../src/sys/socket.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';

test.each<[what: string, 'quiet' | 'not quiet', Partial<Side>]>([
  ['is new', 'quiet', {}],
  ['has sent and been sent something', 'quiet', { received: 10, sentTo: true, tuned: true, urgent: true }],
  ['has something to read, as far as is known', 'quiet', { readable: true, writable: true }],
  ['has bytes in memory that the other has not taken', 'not quiet', { hold: Buffer.alloc(1) as never }],
  ['has bytes in a pipe', 'not quiet', { piped: 1 }],
  ['has a FIN that is not read yet', 'not quiet', { finQueued: true }],
  ['has ended', 'not quiet', { ended: true }],
  ['has an error to tell of', 'not quiet', { broken: true }],
])('a side that %s is %s', (_, how, change) => {
  expect(Object.assign(new Side(), change).isQuiet).toBe(how === 'quiet');
});

test.each<Partial<Side>>([
  { descriptor: 7 },
  { received: 10 },
  { sentTo: true },
  { tuned: true },
  { urgent: true },
])('%j of a side goes with its flow', (change) => {
  const [client, target] = [Object.assign(new Side(), change), new Side()];
  const flow = { client, target, clientPort: 1, clientWords: 1, address: undefined, startedMs: 0 };
  const moved = movedFlow(flow, 0, undefined);
  expect([sideOf(moved.client), sideOf(moved.target)]).toEqual([client, target]);
});

describeWhere(process.platform === 'linux', 'not Linux', 'a side that is let go of', () => {
  const scope = useScope();

  test('leaves its pipe behind, and its socket open', () => {
    const raw = new RawSockets(scope);
    const sys = openSyscalls();
    const arena = new Arena(64 * 1024);
    const loop = new EventLoop(sys, arena, new SharedClock());
    scope.onEnd(() => loop.free());
    const pipes = new PipePool(sys, arena, new Set(), { pipeBytes: 65_536, most: 1, mostSpare: 1 });
    scope.onEnd(() => pipes.closeUnused());
    const [descriptor, peer] = raw.pair(SOCK_STREAM);
    const side = Object.assign(new Side(), { descriptor });
    pipes.lend(side);
    const { pipe } = side;
    letGo({ pipes, loop }, side);
    expect(side.pipe).toBeUndefined();
    const next = new Side();
    pipes.lend(next);
    expect(next.pipe).toBe(pipe);
    expect(raw.send(descriptor, 1)).toBe(1);
    expect(raw.recv(peer, 1)).toBe(1);
    pipes.giveBack(next);
  });
});

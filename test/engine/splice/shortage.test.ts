/**
 * What the splice engine does when the system is out of something: each errno is met in each call that may give it, made
 * to fail by strace in the shard's own thread. Those that can be had for real are in test/e2e/shortage.test.ts.
 */
import { expect, test } from '@jest/globals';
import type { FlowEnd } from '../../../src/engine/engine.js';
import { limits } from '../../../src/limits.js';
import type { CounterName } from '../../../src/metrics/counters.js';
import { openFlow, type Rig, startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { type Scope, useScope } from '../../support/scope.js';
import { canTrace, failuresMade, type Trace, threadsOf, trace } from '../../support/strace.js';
import {
  echo,
  ending,
  exchange,
  hashAll,
  readExactly,
  sendPattern,
  tcpClient,
  tcpServer,
} from '../../support/tcp-peers.js';
import { echo as udpEcho, udpPeer } from '../../support/udp-peers.js';
import { until } from '../../support/until.js';

interface Want {
  readonly call: string;
  readonly errno: string;
  /** Which of the calls from now on fail, as strace counts them. */
  readonly when: string;
  /** What the user is told, before the errno. */
  readonly told: string;
}

/** A rig, and a way to make calls of its shard's thread fail. */
async function startFailingRig(scope: Scope, heldClock = false) {
  const before = new Set(threadsOf(process.pid));
  const rig = startRig(scope, spliceEngine(1), { heldClock });
  const server = await tcpServer(scope, '127.0.0.1', echo);
  const { endpoint } = await rig.serve('tcp', '127.0.0.1', [server.address]);
  const dial = () => tcpClient(scope, endpoint);
  // Only then is its thread sure to be there.
  expect(await exchange(dial(), 'ready')).toBe('ready');
  const threads = threadsOf(process.pid).filter((thread) => !before.has(thread));
  const fail = (
    { call, errno, when }: Pick<Want, 'call' | 'errno' | 'when'>,
    others: readonly string[] = [],
  ) =>
    trace(scope, threads, [
      ...['-e', `trace=${call}`, '-e', `inject=${call}:error=${errno}:when=${when}`],
      ...others,
    ]);
  return { rig, dial, fail };
}

/** A call made to fail with each of some errnos. */
function wants(call: string, when: string, told: string, errnos: readonly string[]): Want[] {
  return errnos.map((errno) => ({ call, errno, when, told }));
}

const descriptors = ['EMFILE', 'ENFILE'];
const memory = ['ENOBUFS', 'ENOMEM'];
const dialWaits = 'a dial to a target waits';
const flowWaits = 'a flow waits to go on';

const tcpWants = [
  ...wants('accept4', '1..2', 'connections wait to be accepted', [...descriptors, ...memory]),
  ...wants('socket', '1..2', dialWaits, [...descriptors, ...memory]),
  ...wants('connect', '1..2', dialWaits, memory),
  // The second one is asked whether it is a port that is wanting.
  ...wants('connect', '1', dialWaits, ['EADDRNOTAVAIL']),
  ...wants('epoll_ctl', '1..2', 'a connection waits to be watched', ['ENOMEM', 'ENOSPC']),
  ...wants('epoll_ctl', '2', dialWaits, ['ENOMEM', 'ENOSPC']),
  ...wants('recvfrom', '1..2', flowWaits, memory),
  ...wants('sendto', '1..2', flowWaits, memory),
];

/** Failures that "1..2" stands for. */
function countOf(when: string): number {
  const [first = '', last = first] = when.split('..');
  return Number(last) - Number(first) + 1;
}

function reasonsOf(ends: readonly FlowEnd[]): unknown[] {
  return [...new Set(ends.map(({ reason, error }) => `${reason} ${error}`))];
}

describeWhere(canTrace, 'no strace', 'a TCP flow', () => {
  const scope = useScope();

  test.each(tcpWants)('outlives $errno from $call ($when)', async (want) => {
    const { rig, dial, fail } = await startFailingRig(scope);
    const made = await fail(want);
    expect(await exchange(dial(), 'through')).toBe('through');
    expect(failuresMade(made)).toBe(countOf(want.when));
    expect(rig.troubles).toEqual([expect.stringContaining(`${want.told}: ${want.errno};`)]);
    await made.stop();
    expect(await exchange(dial(), 'after')).toBe('after');
    await until('every end', () => rig.ends.length === 3);
    expect(reasonsOf(rig.ends)).toEqual(['done undefined']);
  });

  test.each([
    ...wants('splice', '3..5', flowWaits, memory),
    ...wants('splice', '30', flowWaits, memory),
    ...wants('recvfrom', '3..4', flowWaits, memory),
    ...wants('sendto', '3..4', flowWaits, memory),
    ...wants('pipe2', '1..2', '', [...descriptors, 'ENOMEM']),
  ])('of bulk outlives $errno from $call ($when), with every byte in its place', async (want) => {
    const { rig, dial, fail } = await startFailingRig(scope);
    const made = await fail(want);
    const client = dial();
    const received = hashAll(client);
    expect(await sendPattern(client, 64)).toBe(await received);
    expect(failuresMade(made)).toBe(countOf(want.when));
    // Without a pipe it goes on copying, which nobody has to know.
    const told = want.told === '' ? [] : [expect.stringContaining(`${want.told}: ${want.errno};`)];
    expect(rig.troubles).toEqual(told);
    await until('both ends', () => rig.ends.length === 2);
    expect(reasonsOf(rig.ends)).toEqual(['done undefined']);
  });

  test('that can send nothing for want of memory ends after a while, on both sides, and says why', async () => {
    const { rig, fail } = await startFailingRig(scope, true);
    const { client, accepted } = await openFlow(scope, rig, '127.0.0.1', '127.0.0.1');
    const made = await fail({ call: 'sendto', errno: 'ENOBUFS', when: '1+' });
    client.write('stuck');
    await until('the want to be met', () => failuresMade(made) === 1);
    const seen = Promise.all([ending(client), ending(accepted)]);
    for (let pastMs = 0; pastMs < limits.scarcityFlowMs; pastMs += limits.scarcityRetryMs) {
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(limits.scarcityRetryMs + 2 * 16);
      if (rig.engine.flowCount() === 0) break;
    }
    expect(await seen).toEqual(['reset', 'reset']);
    await until('its end', () => rig.ends.length === 2);
    expect(rig.ends[1]).toMatchObject({ reason: 'internal-error', error: 'ENOBUFS', bytesIn: 6 });
    expect(rig.ends[1]?.milliseconds).toBeGreaterThanOrEqual(limits.scarcityFlowMs);
  });
});

interface UdpWant extends Want {
  /** Where the datagram that met the want is counted; undefined: it only came later. */
  readonly dropped?: CounterName;
}

const noSocket = 'a UDP client gets no socket';
const dropped = (name: CounterName, list: readonly Want[]): UdpWant[] =>
  list.map((want) => ({ ...want, dropped: name }));

const udpWants: UdpWant[] = [
  ...wants('recvmmsg', '1..2', 'datagrams wait to be received', memory),
  ...wants('recvmmsg', '2..3', 'replies wait to be received', memory),
  ...dropped('datagramsRefused', wants('socket', '1', noSocket, [...descriptors, ...memory])),
  ...dropped('datagramsRefused', wants('connect', '1', noSocket, [...memory, 'EAGAIN'])),
  ...dropped('datagramsRefused', wants('epoll_ctl', '1', noSocket, ['ENOMEM', 'ENOSPC'])),
  ...dropped('datagramsOverQueue', wants('sendto', '1', '', memory)),
  ...dropped('datagramsOverQueue', wants('sendmmsg', '1', '', memory)),
];

describeWhere(canTrace, 'no strace', 'a UDP association', () => {
  const scope = useScope();

  async function served(rig: Rig) {
    const target = await udpPeer(scope, '127.0.0.1', udpEcho);
    return rig.serve('udp', '127.0.0.1', [target.address]);
  }

  test.each(udpWants)('outlives $errno from $call ($when)', async (want) => {
    const { rig, fail } = await startFailingRig(scope);
    const { endpoint, service } = await served(rig);
    const made = await fail(want);
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('first', endpoint);
    if (want.dropped !== undefined) {
      const { dropped: counter } = want;
      await until('the drop to be counted', () => service.counters()[counter] === 1);
      client.send('second', endpoint);
    }
    expect((await client.next()).datagram.toString()).toBe(want.dropped === undefined ? 'first' : 'second');
    expect(failuresMade(made)).toBe(countOf(want.when));
    const told = want.told === '' ? [] : [expect.stringContaining(`${want.told}: ${want.errno};`)];
    expect(rig.troubles).toEqual(told);
    await made.stop();
    client.send('after', endpoint);
    expect((await client.next()).datagram.toString()).toBe('after');
    expect(service.counters()).toMatchObject({ flowsOpened: 1, flowsEnded: 0 });
  });

  test.each([
    ['socket', 'EMFILE'],
    ['socket', 'ENFILE'],
    ['connect', 'EAGAIN'],
  ])('makes room for another client that meets %s: %s', async (call, errno) => {
    const { rig, fail } = await startFailingRig(scope);
    const { endpoint, service } = await served(rig);
    const first = await udpPeer(scope, '127.0.0.1');
    first.send('one', endpoint);
    await first.next();
    const made = await fail({ call, errno, when: '1' });
    const second = await udpPeer(scope, '127.0.0.1');
    second.send('two', endpoint);
    expect((await second.next()).datagram.toString()).toBe('two');
    expect(failuresMade(made)).toBe(1);
    expect(rig.troubles).toEqual([`${noSocket}: ${errno}; the one idle longest makes room`]);
    expect(service.counters()).toMatchObject({ associationsEvicted: 1, datagramsRefused: 0 });
    await until('the end of the first', () => rig.ends.some(({ reason }) => reason === 'evicted'));
    first.send('one more', endpoint);
    expect((await first.next()).datagram.toString()).toBe('one more');
  });

  test('put out in the middle of a batch has its datagram there carried by a new one', async () => {
    const { rig, fail } = await startFailingRig(scope);
    const { endpoint, service } = await served(rig);
    const [known, stranger] = [await udpPeer(scope, '127.0.0.1'), await udpPeer(scope, '127.0.0.1')];
    known.send('known', endpoint);
    await known.next();
    // The first recvmmsg is held up until both datagrams are there.
    const gather = ['-e', 'inject=recvmmsg:delay_enter=200000:when=1'];
    await fail({ call: 'socket', errno: 'EMFILE', when: '1' }, gather);
    stranger.send('makes room', endpoint);
    known.send('put out', endpoint);
    expect((await stranger.next()).datagram.toString()).toBe('makes room');
    expect((await known.next()).datagram.toString()).toBe('put out');
    const counted = {
      flowsOpened: 3,
      flowsEnded: 1,
      associationsEvicted: 1,
      datagramsIn: 3,
      datagramsOut: 3,
    };
    expect(service.counters()).toMatchObject(counted);
  });
});

describeWhere(canTrace, 'no strace', 'a listener', () => {
  const scope = useScope();

  test.each(['tcp', 'udp'] as const)(
    'on %s that cannot be watched at first is served later',
    async (protocol) => {
      const { rig, fail } = await startFailingRig(scope);
      const made = await fail({ call: 'epoll_ctl', errno: 'ENOSPC', when: '1..2' });
      if (protocol === 'tcp') {
        const server = await tcpServer(scope, '127.0.0.1', echo);
        const { endpoint } = await rig.serve('tcp', '127.0.0.1', [server.address]);
        expect(await exchange(tcpClient(scope, endpoint), 'late')).toBe('late');
      } else {
        const target = await udpPeer(scope, '127.0.0.1', udpEcho);
        const { endpoint } = await rig.serve('udp', '127.0.0.1', [target.address]);
        const client = await udpPeer(scope, '127.0.0.1');
        client.send('late', endpoint);
        expect((await client.next()).datagram.toString()).toBe('late');
      }
      expect(failuresMade(made)).toBe(2);
      expect(rig.troubles).toEqual([expect.stringMatching(/listener waits to be watched: ENOSPC;/)]);
    },
  );
});

// Elsewhere libuv makes the same call as the shard does, in the same thread, and ends the process when it fails.
describeWhere(canTrace && process.arch === 'x64', 'no strace, or not x86-64', 'a shard', () => {
  const scope = useScope();

  test('whose epoll fails ends its flows, says so, and another takes over', async () => {
    const { rig, dial, fail } = await startFailingRig(scope);
    const holder = dial();
    holder.write('x');
    await readExactly(holder, 1);
    const seen = ending(holder);
    const made: Trace = await fail({ call: 'epoll_wait', errno: 'ENOMEM', when: '1' });
    // The call that strace found it in goes on; the one after it fails.
    holder.write('y');
    expect(await seen).toBe('reset');
    await until('it to be told', () => rig.troubles.length === 1);
    expect(rig.troubles[0]).toMatch(/a shard failed.*1 flows were lost.*epoll_wait: ENOMEM/);
    await made.stop();
    expect(await exchange(dial(), 'anew')).toBe('anew');
  });
});

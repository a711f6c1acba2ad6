/** What every engine carries over TCP, whatever families the two sides are of. */
import { expect, test } from '@jest/globals';
import type { Listener } from '../../src/engine/engine.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import {
  ending,
  hashAll,
  readAll,
  readExactly,
  sendPattern,
  tcpClient,
  tcpServer,
} from '../support/tcp-peers.js';
import { type EngineUnderTest, openFlow, startRig } from './rig.js';

interface Pair {
  readonly name: string;
  readonly listen: string;
  readonly target: string;
}

const pairs: readonly Pair[] = [
  { name: 'IPv4 to IPv4', listen: '127.0.0.1', target: '127.0.0.1' },
  { name: 'IPv6 to IPv6', listen: '::1', target: '::1' },
  { name: 'IPv6 to IPv4', listen: '::1', target: '127.0.0.1' },
  { name: 'IPv4 to IPv6', listen: '127.0.0.1', target: '::1' },
  { name: 'IPv4 to a unix socket', listen: '127.0.0.1', target: 'unix' },
];

export function tcpCarrying<L extends Listener>(under: EngineUnderTest<L>): void {
  for (const pair of pairs) {
    const needsIpv6 = pair.listen.includes(':') || pair.target.includes(':');
    describeWhere(!needsIpv6 || hasIpv6, 'no IPv6', `TCP, ${pair.name}`, () => carries(under, pair));
  }
}

function carries<L extends Listener>(under: EngineUnderTest<L>, { listen, target }: Pair): void {
  const scope = useScope();
  const open = () => openFlow(scope, startRig(scope, under), listen, target);

  test('64 MiB each way at once arrive byte for byte', async () => {
    const { client, accepted, rig } = await open();
    const [sentUp, sentDown, gotUp, gotDown] = await Promise.all([
      sendPattern(client, 64),
      sendPattern(accepted, 64),
      hashAll(accepted),
      hashAll(client),
    ]);
    expect(gotUp).toBe(sentUp);
    expect(gotDown).toBe(sentDown);
    expect(await rig.nextEnd()).toMatchObject({
      reason: 'done',
      bytesIn: (64 << 20) + 1,
      bytesOut: (64 << 20) + 1,
    });
  });

  test('a client that half-closes is delivered whole, and still gets the answer', async () => {
    const { client, accepted, rig } = await open();
    client.end('question');
    expect((await readAll(accepted)).toString()).toBe('question');
    accepted.write('ans');
    expect((await readExactly(client, 3)).toString()).toBe('ans');
    accepted.end('wer');
    expect((await readAll(client)).toString()).toBe('wer');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'done', failed: undefined, bytesIn: 9, bytesOut: 7 });
  });

  test('a target that half-closes is delivered whole, and still hears the client', async () => {
    const { client, accepted, rig } = await open();
    accepted.end('greeting');
    expect((await readAll(client)).toString()).toBe('greeting');
    client.write('la');
    expect((await readExactly(accepted, 2)).toString()).toBe('la');
    client.end('ter');
    expect((await readAll(accepted)).toString()).toBe('ter');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'done', failed: undefined, bytesIn: 6, bytesOut: 9 });
  });

  test('a target that speaks first is heard', async () => {
    const rig = startRig(scope, under);
    const server = await tcpServer(scope, target, (socket) => socket.write('220 ready'));
    const { endpoint } = await rig.serve('tcp', listen, [server.address]);
    const client = tcpClient(scope, endpoint);
    expect((await readExactly(client, 9)).toString()).toBe('220 ready');
  });

  test("a client's reset reaches the target as a reset", async () => {
    const { client, accepted, rig } = await open();
    const seen = ending(accepted);
    client.resetAndDestroy();
    // A unix socket has no reset: its peer's death is all it can tell.
    expect(await seen).toBe(target === 'unix' ? 'fin' : 'reset');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'client-reset', failed: 'client' });
  });

  test('a client that goes on sending to a target which has closed keeps all it was sent', async () => {
    const { client, accepted, rig } = await open();
    accepted.write('all there is');
    accepted.destroy();
    await readExactly(client, 12);
    const ended = ending(client);
    client.write('more');
    client.write('and more');
    expect(await ended).toBe('fin');
    client.end('and more still');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'done', bytesOut: 13 });
  });

  if (target !== 'unix') {
    test("a target's reset reaches the client as a reset", async () => {
      const { client, accepted, rig } = await open();
      const seen = ending(client);
      accepted.resetAndDestroy();
      expect(await seen).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-reset', failed: 'target' });
    });
  }

  test('what a client sends and closes before the target is reached is delivered', async () => {
    const rig = startRig(scope, under);
    const server = await tcpServer(scope, target);
    const { endpoint } = await rig.serve('tcp', listen, [server.address]);
    const client = tcpClient(scope, endpoint);
    client.end('early');
    expect((await readAll(await server.next())).toString()).toBe('early');
  });
}

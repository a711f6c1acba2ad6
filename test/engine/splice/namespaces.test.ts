/** The splice engine dialling in other network namespaces, through its seam alone. */
import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { echoInside, networkNamespace, whyNoNamespaces } from '../../support/namespaces.js';
import { useScope } from '../../support/scope.js';
import { ending, endpointOf, exchange, readExactly, tcpClient, tcpServer } from '../../support/tcp-peers.js';
import { udpPeer } from '../../support/udp-peers.js';
import { until } from '../../support/until.js';

const why = whyNoNamespaces();

describeWhere(why === undefined, why ?? '', 'the splice engine, dialling in a network namespace', () => {
  const scope = useScope();
  const rigOf = (shards = 1) => startRig(scope, spliceEngine(shards), { heldClock: false });
  const inside = (namespace: string, host: string, port: number): TargetAddress => ({
    kind: 'ip',
    namespace,
    ...endpointOf(host, port),
  });

  test.each(['127.0.0.1', '::1'])('carries TCP to %s there', async (host) => {
    const blue = networkNamespace(scope);
    const server = await echoInside(scope, blue.path, host);
    const rig = rigOf();
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [inside(blue.path, host, server.port)]);
    expect(await exchange(tcpClient(scope, endpoint), 'hello')).toBe('hello');
    expect(await rig.nextEnd()).toMatchObject({
      reason: 'done',
      target: { kind: 'ip', ...endpointOf(host, server.port) },
    });
  });

  test.each(['127.0.0.1', '::1'])('carries UDP to %s there', async (host) => {
    const blue = networkNamespace(scope);
    const server = await echoInside(scope, blue.path, host);
    const rig = rigOf();
    const { endpoint } = await rig.serve('udp', '127.0.0.1', [inside(blue.path, host, server.port)]);
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('hello', endpoint);
    expect(String((await client.next()).datagram)).toBe('hello');
  });

  test('passes resets both ways', async () => {
    const blue = networkNamespace(scope);
    const server = await echoInside(scope, blue.path, '127.0.0.1');
    const rig = rigOf();
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [inside(blue.path, '127.0.0.1', server.port)]);
    const wantsReset = tcpClient(scope, endpoint);
    wantsReset.write('reset!');
    expect(await ending(wantsReset)).toBe('reset');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'target-reset' });
    const resets = tcpClient(scope, endpoint);
    resets.write('x');
    await readExactly(resets, 1);
    resets.resetAndDestroy();
    expect(await server.line()).toBe('ECONNRESET');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'client-reset' });
  });

  test('leads each flow into its own, whatever others dial in between', async () => {
    const [blue, green] = [networkNamespace(scope), networkNamespace(scope)];
    const here = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('here'));
    if (here.address.kind !== 'ip') throw new Error('unreachable');
    const { port } = here.address;
    // The same address and port three times: only the namespace tells them apart.
    await Promise.all([blue, green].map(({ path }) => echoInside(scope, path, '127.0.0.1', port)));
    const rig = rigOf(2);
    const serve = async (target: TargetAddress) => (await rig.serve('tcp', '127.0.0.1', [target])).endpoint;
    const intoBlue = await serve(inside(blue.path, '127.0.0.1', port));
    const intoGreen = await serve(inside(green.path, '127.0.0.1', port));
    const atHome = await serve(here.address);
    blue.delete();
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const endpoint = [intoBlue, intoGreen, atHome][index % 3] ?? atHome;
        const client = tcpClient(scope, endpoint);
        return index % 3 === 0 ? ending(client) : exchange(client, `green ${index}`);
      }),
    );
    answers.forEach((answer, index) => {
      expect(answer).toBe(['reset', `green ${index}`, 'here'][index % 3]);
    });
  });

  test('tries the next address where there is no such namespace', async () => {
    const here = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('here'));
    const rig = rigOf();
    const targets = [inside('/run/netns/no-such-namespace', '127.0.0.1', 1), here.address];
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', targets);
    expect(await exchange(tcpClient(scope, endpoint), '')).toBe('here');
    expect(service.counters().dialsFailed).toBe(1);
  });

  test('ends a flow as unreachable where there is no such namespace', async () => {
    const rig = rigOf();
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [inside('/etc/passwd', '127.0.0.1', 1)]);
    expect(await ending(tcpClient(scope, endpoint))).toBe('reset');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'target-unreachable', error: 'EINVAL' });
  });

  test('leaves no descriptor behind, whether the dial succeeds or not', async () => {
    const blue = networkNamespace(scope);
    const server = await echoInside(scope, blue.path, '127.0.0.1');
    const rig = rigOf();
    const good = await rig.serve('tcp', '127.0.0.1', [inside(blue.path, '127.0.0.1', server.port)]);
    const bad = await rig.serve('tcp', '127.0.0.1', [inside('/etc/passwd', '127.0.0.1', 1)]);
    const both = async () => {
      await exchange(tcpClient(scope, good.endpoint), 'hello');
      await ending(tcpClient(scope, bad.endpoint));
    };
    const openFiles = () => readdirSync('/proc/self/fd').length;
    await both();
    const ended = (count: number) => until(`${count} flow ends`, () => rig.ends.length === count);
    await ended(2);
    const before = openFiles();
    for (let round = 0; round < 20; round += 1) await both();
    await ended(42);
    expect(openFiles()).toBeLessThanOrEqual(before);
  });
});

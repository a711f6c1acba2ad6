/** Datagrams that come to the splice engine together, through its seam alone. */
import { expect, test } from '@jest/globals';
import type { Rig } from '../../conformance/rig.js';
import { startRig, testRoute } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { echoInside, networkNamespace, whyNoNamespaces } from '../../support/namespaces.js';
import { type Scope, useScope } from '../../support/scope.js';
import { datagramsOf, SegmentPeer } from '../../support/segment-peers.js';
import { canTrace, failuresMade, threadsOf, trace } from '../../support/strace.js';
import { endpointOf } from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

const onLinux = process.platform === 'linux';
const why = whyNoNamespaces();

/** A client and a target that send several datagrams together, and a rig between them. */
async function startBetween(scope: Scope, rig: Rig, whole: boolean) {
  const target = new SegmentPeer(scope, { whole });
  const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [target.address]);
  const client = new SegmentPeer(scope, { whole });
  client.connect(endpoint.port);
  /** Has the target answer where the first message came from. */
  const answer = () => target.connect(target.receive()[0]?.fromPort ?? 0);
  return { target, service, client, answer };
}

describeWhere(onLinux, 'not Linux', 'datagrams that come together', () => {
  const scope = useScope();
  const datagrams = datagramsOf(5, 1_200, 700);

  test.each([
    ['stay together, both ways, for who takes them so', true],
    ['come one by one, both ways, to who takes them so', false],
  ])('%s', async (_, whole) => {
    const { target, service, client, answer } = await startBetween(
      scope,
      startRig(scope, spliceEngine(1)),
      whole,
    );
    client.send(datagrams);
    expect(await target.datagrams(5)).toEqual(datagrams);
    expect(target.receive()).toHaveLength(whole ? 1 : 5);
    answer();
    target.send(datagrams);
    expect(await client.datagrams(5)).toEqual(datagrams);
    expect(client.receive()).toHaveLength(whole ? 1 : 5);
    const bytes = 4 * 1_200 + 700;
    expect(service.counters()).toMatchObject({
      datagramsIn: 5,
      datagramsOut: 5,
      bytesIn: bytes,
      bytesOut: bytes,
    });
  });

  test('are kept one by one for a target that is not there', async () => {
    const rig = startRig(scope, spliceEngine(1));
    const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [], { waitMs: 10_000 });
    const client = new SegmentPeer(scope, { whole: true });
    client.connect(endpoint.port);
    client.send(datagrams);
    await until('all to be kept', () => service.counters().datagramsKept === 5);
    const target = new SegmentPeer(scope, { whole: true });
    service.setRoute({ ...testRoute, targets: [target.address] });
    expect(await target.datagrams(5)).toEqual(datagrams);
  });

  test('are counted one by one where there is no target', async () => {
    const rig = startRig(scope, spliceEngine(1));
    const { endpoint, service } = await rig.serve('udp', '127.0.0.1', []);
    const client = new SegmentPeer(scope, { whole: true });
    client.connect(endpoint.port);
    client.send(datagrams);
    await until('all to be counted', () => service.counters().datagramsWithoutTarget === 5);
  });
});

describeWhere(onLinux && canTrace, 'no strace', 'a way that takes no datagrams together', () => {
  const scope = useScope();
  const datagrams = datagramsOf(3, 500, 100);

  test.each([
    ['EIO', 1],
    ['EINVAL', 1],
    // The first one may be told of an earlier datagram.
    ['EMSGSIZE', 2],
  ])('and says %s is sent them one by one, and none together again', async (errno, failures) => {
    const before = new Set(threadsOf(process.pid));
    const rig = startRig(scope, spliceEngine(1));
    const { target, service, client, answer } = await startBetween(scope, rig, true);
    client.send([Buffer.from('hello')]);
    await target.datagrams(1);
    const threads = threadsOf(process.pid).filter((thread) => !before.has(thread));
    const toTarget = await trace(scope, threads, [
      `-e`,
      `inject=sendmmsg:error=${errno}:when=1..${failures}`,
    ]);
    client.send(datagrams);
    client.send(datagrams);
    expect((await target.datagrams(7)).slice(1)).toEqual([...datagrams, ...datagrams]);
    expect(failuresMade(toTarget)).toBe(failures);
    await toTarget.stop();
    expect(target.receive()).toHaveLength(7);
    answer();
    const toClient = await trace(scope, threads, [
      `-e`,
      `inject=sendmmsg:error=${errno}:when=1..${failures}`,
    ]);
    target.send(datagrams);
    expect(await client.datagrams(3)).toEqual(datagrams);
    expect(failuresMade(toClient)).toBe(failures);
    expect(client.receive()).toHaveLength(3);
    expect(service.counters()).toMatchObject({
      datagramsOut: 3,
      datagramsRefused: 0,
      datagramsOverQueue: 0,
    });
  });
});

describeWhere(onLinux && canTrace, 'no strace', 'what ICMP says of an earlier datagram', () => {
  const scope = useScope();
  const datagrams = datagramsOf(3, 500, 100);

  test.each(['EMSGSIZE', 'ECONNREFUSED', 'EHOSTUNREACH'])(
    'costs those sent after it nothing: %s',
    async (errno) => {
      const before = new Set(threadsOf(process.pid));
      const rig = startRig(scope, spliceEngine(1));
      const { target, service, client } = await startBetween(scope, rig, true);
      client.send([Buffer.from('hello')]);
      await target.datagrams(1);
      const threads = threadsOf(process.pid).filter((thread) => !before.has(thread));
      const told = await trace(scope, threads, [
        ...['-e', `inject=sendmmsg:error=${errno}:when=1`],
        ...['-e', `inject=sendto:error=${errno}:when=1`],
      ]);
      client.send(datagrams);
      expect((await target.datagrams(4)).slice(1)).toEqual(datagrams);
      expect(target.receive()).toHaveLength(2);
      client.send([Buffer.from('bye')]);
      expect((await target.datagrams(5)).at(-1)).toEqual(Buffer.from('bye'));
      expect(failuresMade(told)).toBe(2);
      await until('both to be counted', () => service.counters().datagramsRefused === 2);
    },
  );
});

describeWhere(onLinux && why === undefined, why ?? 'not Linux', 'a target behind a narrow way', () => {
  const scope = useScope();

  test('gets datagrams that are too long for it in fragments, as if they had come one by one', async () => {
    const narrow = networkNamespace(scope);
    narrow.ip('link', 'set', 'lo', 'mtu', '1500');
    const server = await echoInside(scope, narrow.path, '127.0.0.1');
    const rig = startRig(scope, spliceEngine(1), { heldClock: false });
    const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [
      { kind: 'ip', namespace: narrow.path, ...endpointOf('127.0.0.1', server.port) },
    ]);
    const client = new SegmentPeer(scope, { whole: true });
    client.connect(endpoint.port);
    const datagrams = datagramsOf(4, 4_000, 3_000);
    client.send(datagrams);
    expect(await client.datagrams(4)).toEqual(datagrams);
    expect(service.counters()).toMatchObject({ datagramsIn: 4, datagramsOut: 4, datagramsRefused: 0 });
  });
});

/** The splice engine at link-local addresses, which mean something only with their zone: the interface they are on. */
import { expect, test } from '@jest/globals';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { descriptorBinder } from '../../../src/listener/descriptor-binder.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { echoInside, ip, networkNamespace, whyNoNamespaces } from '../../support/namespaces.js';
import { type Scope, useScope } from '../../support/scope.js';
import { echo, ending, endpointOf, exchange, tcpClient, tcpServer } from '../../support/tcp-peers.js';
import { udpPeer } from '../../support/udp-peers.js';

type Ip = (...args: readonly string[]) => string;

const linkLocal = 'fe80::51:1';
const why = whyNoNamespaces();
let made = 0;

/** One end of a pair. It has a global address too, which the kernel lists first. */
function makeInterface(run: Ip, name: string): void {
  const peer = `${name}p`;
  run('link', 'add', name, 'type', 'veth', 'peer', 'name', peer);
  for (const own of [linkLocal, 'fd00:51::1']) run('address', 'add', `${own}/64`, 'dev', name, 'nodad');
  for (const end of [name, peer]) run('link', 'set', end, 'up');
}

/** One of this namespace, by its name. */
function ownInterface(scope: Scope): string {
  made += 1;
  // Names of interfaces have at most 15 letters.
  const name = `sl${process.pid.toString(36)}z${made}`;
  makeInterface(ip, name);
  scope.onEnd(() => ip('link', 'delete', name));
  return name;
}

/** Its number, which a line about it begins with. */
const numberOf = (run: Ip, name: string) => Number.parseInt(run('-o', 'link', 'show', name), 10);

describeWhere(
  why === undefined,
  why ?? '',
  'the splice engine, on an interface with a global address too',
  () => {
    const scope = useScope();
    const rigOf = () => startRig(scope, spliceEngine(1), { heldClock: false });
    const at = (zone: string | number, port: number): TargetAddress => ({
      kind: 'ip',
      ...endpointOf(`${linkLocal}%${zone}`, port),
    });
    const portOf = ({ address }: { readonly address: TargetAddress }) =>
      address.kind === 'ip' ? address.port : 0;

    test('dials a link-local TCP address, by the name of the interface and by its number, and tells of it so', async () => {
      const name = ownInterface(scope);
      const port = portOf(await tcpServer(scope, `${linkLocal}%${name}`, echo));
      const rig = rigOf();
      for (const zone of [name, numberOf(ip, name)]) {
        const { endpoint } = await rig.serve('tcp', '127.0.0.1', [at(zone, port)]);
        expect(await exchange(tcpClient(scope, endpoint), 'hello')).toBe('hello');
        expect(await rig.nextEnd()).toMatchObject({ reason: 'done', target: at(zone, port) });
      }
    });

    test('dials a link-local UDP address', async () => {
      const name = ownInterface(scope);
      const target = await udpPeer(scope, `${linkLocal}%${name}`);
      const rig = rigOf();
      const { endpoint } = await rig.serve('udp', '127.0.0.1', [target.address]);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('hello', endpoint);
      expect(String((await target.next()).datagram)).toBe('hello');
    });

    test('dials the interface that has the name now, and none where there is none, all by one route', async () => {
      const name = ownInterface(scope);
      const port = portOf(await tcpServer(scope, '::', echo));
      const rig = rigOf();
      const { endpoint } = await rig.serve('tcp', '127.0.0.1', [at(name, port)]);
      const greet = () => exchange(tcpClient(scope, endpoint), 'hello');
      expect(await greet()).toBe('hello');
      const before = numberOf(ip, name);
      ip('link', 'delete', name);
      expect(await ending(tcpClient(scope, endpoint))).toBe('reset');
      makeInterface(ip, name);
      expect(numberOf(ip, name)).not.toBe(before);
      expect(await greet()).toBe('hello');
      expect([await rig.nextEnd(), await rig.nextEnd(), await rig.nextEnd()]).toMatchObject([
        { reason: 'done' },
        { reason: 'target-unreachable', error: 'ENODEV', target: at(name, port) },
        { reason: 'done' },
      ]);
    });

    test.each(['by its name', 'by its number'])(
      'dials it in another network namespace, %s in there',
      async (by) => {
        const blue = networkNamespace(scope);
        makeInterface(blue.ip, 'v0');
        const { port } = await echoInside(scope, blue.path, `${linkLocal}%v0`);
        const zone = by === 'by its name' ? 'v0' : numberOf(blue.ip, 'v0');
        const rig = rigOf();
        const target = { ...at(zone, port), namespace: blue.path };
        const { endpoint } = await rig.serve('tcp', '127.0.0.1', [target]);
        expect(await exchange(tcpClient(scope, endpoint), 'hello')).toBe('hello');
      },
    );

    test.each(['tcp', 'udp'] as const)('listens at a link-local %s address', async (protocol) => {
      const name = ownInterface(scope);
      const host = `${linkLocal}%${name}`;
      const rig = rigOf();
      if (protocol === 'tcp') {
        const server = await tcpServer(scope, '127.0.0.1', echo);
        const { endpoint } = await rig.serve('tcp', host, [server.address]);
        expect(await exchange(tcpClient(scope, endpoint), 'hello')).toBe('hello');
      } else {
        const target = await udpPeer(scope, '127.0.0.1');
        const { endpoint } = await rig.serve('udp', host, [target.address]);
        const client = await udpPeer(scope, host);
        client.send('hello', endpoint);
        expect(String((await target.next()).datagram)).toBe('hello');
      }
    });

    test('cannot listen at an interface that is not there, and says so', async () => {
      const bound = descriptorBinder().bind('tcp', endpointOf(`${linkLocal}%no-such`, 0));
      await expect(bound).rejects.toThrow('bind: ENODEV');
    });
  },
);

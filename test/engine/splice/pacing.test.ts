/** Which sockets are not paced on a host whose usual congestion control is BBR. The hosts are network namespaces. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { isOnThisHost } from '../../../src/engine/splice/host-networks.js';
import { limits } from '../../../src/limits.js';
import { descriptorBinder } from '../../../src/listener/descriptor-binder.js';
import { sockaddrBytes, writeSockaddr } from '../../../src/sys/sockaddr.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import {
  echoInside,
  ip,
  type NetworkNamespace,
  networkNamespace,
  runIn,
  whyNoNamespaces,
} from '../../support/namespaces.js';
import { type Scope, useScope } from '../../support/scope.js';
import { endpointOf, readExactly, tcpClient } from '../../support/tcp-peers.js';

const settings = '/proc/sys/net/ipv4';
const hasBbr = () => readFileSync(`${settings}/tcp_available_congestion_control`, 'utf8').includes('bbr');
const missing = whyNoNamespaces() ?? (hasBbr() ? undefined : 'no BBR in this kernel');

/** Everything in it is paced unless it is told otherwise. */
function pacedHost(scope: Scope): NetworkNamespace {
  const host = networkNamespace(scope);
  runIn(host, 'sh', '-c', `echo bbr > ${settings}/tcp_congestion_control`);
  return host;
}

/** The congestion controls, by ss, of the sockets that a filter chooses; with a colon behind it a name is only a detail. */
function controlsOf(host: NetworkNamespace, ...filter: readonly string[]): string[] {
  const told = runIn(host, 'ss', '--tcp', '--numeric', '--info', '--no-header', ...filter);
  return told.match(/\b(bbr|cubic)\b(?!:)/g) ?? [];
}

describeWhere(missing === undefined, missing ?? '', 'on a host that paces', () => {
  const scope = useScope();

  /** The congestion control of the socket that a flow to this address of the host was dialled from. */
  async function dialledWith(host: NetworkNamespace, address: string): Promise<string[]> {
    const { port } = await echoInside(scope, host.path, address);
    const target: TargetAddress = { kind: 'ip', namespace: host.path, ...endpointOf(address, port) };
    const { endpoint } = await startRig(scope, spliceEngine(1), { heldClock: false }).serve(
      'tcp',
      '127.0.0.1',
      [target],
    );
    const client = tcpClient(scope, endpoint);
    client.write('x');
    await readExactly(client, 1);
    return controlsOf(host, 'state', 'established', `dport = :${port}`);
  }

  test.each(['127.0.0.1', '::1'])('a flow to its loopback, at %s, is not paced', async (address) => {
    expect(await dialledWith(pacedHost(scope), address)).toEqual(['cubic']);
  });

  test('a flow to an address that may be anywhere is paced, as its administrator chose', async () => {
    const host = pacedHost(scope);
    host.ip('address', 'add', '198.18.52.1/32', 'dev', 'lo');
    expect(await dialledWith(host, '198.18.52.1')).toEqual(['bbr']);
  });

  test.each([
    ['127.0.0.1', 'cubic'],
    ['::1', 'cubic'],
    ['0.0.0.0', 'bbr'],
  ])('what comes to a listener at %s has %s', async (address, control) => {
    const host = pacedHost(scope);
    const listener = await descriptorBinder().bind('tcp', endpointOf(address, 0), host.path);
    scope.onEnd(() => listener.close());
    expect(controlsOf(host, '--listening')).toEqual([control]);
  });
});

describeWhere(whyNoNamespaces() === undefined, whyNoNamespaces() ?? '', 'this host', () => {
  const scope = useScope();
  let nowMs = 0;
  const has = (text: string, { namespace, zone = '' }: { namespace?: string; zone?: string } = {}) => {
    const sockaddr = new Uint8Array(sockaddrBytes);
    const { family } = endpointOf(text, 0).ip;
    nowMs += limits.hostNetworksFreshMs;
    const length = writeSockaddr(sockaddr, 0, { family, text, port: 80 });
    return isOnThisHost({ sockaddr: sockaddr.slice(0, length), namespace, zone }, nowMs);
  };

  test('does not say whether it has an address while it lacks a descriptor for that, and does later', () => {
    const [networks, sockets] = ['engine/splice/host-networks.js', 'sys/sockaddr.js'].map(
      (path) => new URL(`../../../src/${path}`, import.meta.url),
    );
    const program = `
      import { closeSync, openSync } from 'node:fs';
      import { isOnThisHost } from '${networks}';
      import { sockaddrBytes, writeSockaddr } from '${sockets}';
      const sockaddr = new Uint8Array(sockaddrBytes);
      writeSockaddr(sockaddr, 0, { family: 4, text: '198.18.55.1', port: 80 });
      const ask = () => String(isOnThisHost({ sockaddr, namespace: undefined, zone: '' }, 10_000));
      const open = [];
      try {
        for (;;) open.push(openSync('/dev/null'));
      } catch {}
      const before = ask();
      for (const descriptor of open) closeSync(descriptor);
      console.log([before, ask()].join());
    `;
    const node = [process.execPath, '--input-type=module', '-e', program];
    const said = execFileSync('prlimit', ['--nofile=100:100', ...node], { encoding: 'utf8' });
    expect(said.trim()).toBe('undefined,false');
  });

  test('has the loopback, whatever the namespace, and both wildcards', () => {
    for (const text of ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '::']) {
      expect(has(text)).toBe(true);
      expect(has(text, { namespace: '/run/netns/blue' })).toBe(true);
    }
  });

  test('has the network of a bridge, and of any other interface its own address alone', () => {
    const name = `sl${process.pid.toString(36)}p`;
    const link = (...args: readonly string[]) => ip('link', ...args);
    link('add', name, 'type', 'bridge');
    scope.onEnd(() => link('delete', name));
    link('add', `${name}0`, 'type', 'veth', 'peer', 'name', `${name}1`);
    scope.onEnd(() => link('delete', `${name}0`));
    ip('address', 'add', '198.18.53.1/24', 'dev', name);
    ip('address', 'add', 'fd00:53::1/64', 'dev', name, 'nodad');
    ip('address', 'add', '198.18.54.1/24', 'dev', `${name}1`);
    link('set', `${name}0`, 'master', name);
    for (const one of [name, `${name}0`, `${name}1`]) link('set', one, 'up');
    for (const text of ['198.18.53.1', '198.18.53.77', 'fd00:53::77', '198.18.54.1'])
      expect({ text, has: has(text) }).toEqual({ text, has: true });
    for (const text of ['198.18.54.77', '198.18.55.1', 'fd00:54::1'])
      expect({ text, has: has(text) }).toEqual({ text, has: false });
    expect(has('198.18.53.77', { namespace: '/run/netns/blue' })).toBe(false);
    expect(has('fd00:53::77', { zone: '%eth0' })).toBe(false);
  });
});

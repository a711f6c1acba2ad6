/** The executable while the machine has no descriptor, or no local port, to give: met for real, not made up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { describeWhere } from '../support/machine.js';
import { canMakeNamespaces, makeNamespace, setInside } from '../support/namespace.js';
import { echoInside } from '../support/namespaces.js';
import { useScope } from '../support/scope.js';
import { runSluice, type SluiceProcess } from '../support/sluice-process.js';
import {
  dial,
  echo,
  ending,
  endpointOf,
  exchange,
  listenTcp,
  readExactly,
  tcpServer,
} from '../support/tcp-peers.js';
import { echo as udpEcho, udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;

function troublesOf(sluice: SluiceProcess): string[] {
  return sluice.records.filter(({ level }) => level === 40).map(({ msg }) => String(msg));
}

/** A flow that has carried something, and goes on. */
async function openFlow(scope: ReturnType<typeof useScope>, port: number, host?: string): Promise<Socket> {
  const client = await dial(scope, port, host);
  client.write('>');
  await readExactly(client, 1);
  return client;
}

describeWhere(canLimit, 'no prlimit', 'sluice whose limit of open files is lowered below its need', () => {
  const scope = useScope();

  /** Leaves a process so many descriptors beyond those it has; numbers that are free in between count. */
  function leaveDescriptors(pid: number, room: number): void {
    const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
    let limit = 0;
    for (let free = 0; free < room || open.has(limit); limit += 1) if (!open.has(limit)) free += 1;
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
  }

  test('has clients wait, carries every byte of each as others end, and serves again', async () => {
    const sluice = await runSluice(scope, [
      ...['--engine', 'splice'],
      ...['-p', `127.0.0.1::${await listenTcp(scope, echo)}`, '127.0.0.1'],
    ]);
    const held = [await openFlow(scope, sluice.port()), await openFlow(scope, sluice.port())];
    leaveDescriptors(sluice.pid, 1);
    // One is accepted with the last descriptor and cannot be dialled for; the others are not even accepted.
    const waiting = await Promise.all([1, 2, 3, 4].map(() => dial(scope, sluice.port())));
    const answers = waiting.map((client, index) => exchange(client, `client ${index}`));
    await until('both wants to be told', () => troublesOf(sluice).length === 2);
    expect(troublesOf(sluice).sort()).toEqual([
      expect.stringMatching(/^a dial to a target waits: EMFILE;/),
      expect.stringMatching(/^connections wait to be accepted: EMFILE;/),
    ]);
    for (const client of held) client.end();
    expect(await Promise.all(answers)).toEqual(waiting.map((_, index) => `client ${index}`));
    execFileSync('prlimit', ['--pid', String(sluice.pid), '--nofile=1024:']);
    const more = await Promise.all(Array.from({ length: 20 }, () => openFlow(scope, sluice.port())));
    for (const client of more) client.end();
    const ends = await sluice.flowsLogged(26);
    expect(new Set(ends.map(({ reason }) => reason))).toEqual(new Set(['done']));
    expect(troublesOf(sluice)).toHaveLength(2);
    expect((await sluice.stop()).code).toBe(0);
  });

  test('has a UDP client take the place of the one idle longest', async () => {
    const target = await udpPeer(scope, '127.0.0.1', udpEcho);
    const sluice = await runSluice(scope, [
      ...['--engine', 'splice', '-p', `127.0.0.1::${target.endpoint.port}/udp`, '127.0.0.1'],
    ]);
    const published = endpointOf('127.0.0.1', sluice.port());
    const clients = [];
    for (const name of ['first', 'second', 'third']) {
      const client = await udpPeer(scope, '127.0.0.1');
      client.send(name, published);
      expect((await client.next()).datagram.toString()).toBe(name);
      clients.push(client);
      if (clients.length === 2) leaveDescriptors(sluice.pid, 0);
    }
    await sluice.flowLogged('evicted');
    expect(troublesOf(sluice)).toEqual([
      'a UDP client gets no socket: EMFILE; the one idle longest makes room',
    ]);
    const [first] = clients;
    first?.send('again', published);
    expect((await first?.next())?.datagram.toString()).toBe('again');
    expect((await sluice.stop()).code).toBe(0);
  });
});

describeWhere(canMakeNamespaces, 'not root, or no ip', 'sluice with four local ports', () => {
  const scope = useScope();

  test('has a TCP dial wait for one, and carries what its client sent', async () => {
    const namespace = makeNamespace(scope);
    setInside(namespace, 'net/ipv4/ip_local_port_range', '40000 40003');
    const port = await listenTcpOn(scope, namespace.outside);
    const sluice = await runSluice(
      scope,
      ['--engine', 'splice', '-p', `${namespace.inside}:80:${port}`, namespace.outside],
      1,
      { within: namespace.enter },
    );
    const held = [];
    for (let index = 0; index < 4; index += 1) held.push(await openFlow(scope, 80, namespace.inside));
    const waiting = await dial(scope, 80, namespace.inside);
    const answer = exchange(waiting, 'patience');
    await until('the want to be told', () => troublesOf(sluice).length > 0);
    expect(troublesOf(sluice)).toEqual([expect.stringMatching(/^a dial to a target waits: EADDRNOTAVAIL;/)]);
    // A reset leaves no port in TIME_WAIT.
    held[0]?.resetAndDestroy();
    expect(await answer).toBe('patience');
    for (const client of held.slice(1)) client.resetAndDestroy();
    expect((await sluice.flowsLogged(1, 'done')).length).toBe(1);
    expect(troublesOf(sluice)).toHaveLength(1);
    expect((await sluice.stop()).code).toBe(0);
  });

  test('has a UDP client take the port of the one idle longest', async () => {
    const namespace = makeNamespace(scope);
    setInside(namespace, 'net/ipv4/ip_local_port_range', '40000 40003');
    const target = await udpPeer(scope, namespace.outside, udpEcho);
    const sluice = await runSluice(
      scope,
      ['--engine', 'splice', '-p', `${namespace.inside}:53:${target.endpoint.port}/udp`, namespace.outside],
      1,
      { within: namespace.enter },
    );
    for (let index = 0; index < 5; index += 1) {
      const client = await udpPeer(scope, namespace.outside);
      client.send(`client ${index}`, endpointOf(namespace.inside, 53));
      expect((await client.next()).datagram.toString()).toBe(`client ${index}`);
    }
    await until('the want to be told', () => troublesOf(sluice).length > 0);
    // connect(2) has EAGAIN for it where the socket is UDP.
    expect(troublesOf(sluice)).toEqual([
      'a UDP client gets no socket: EAGAIN; the one idle longest makes room',
    ]);
    expect(await sluice.flowLogged('evicted')).toMatchObject({ client: expect.any(String) });
    expect((await sluice.stop()).code).toBe(0);
  });
});

/** An echo server on any address. */
async function listenTcpOn(scope: ReturnType<typeof useScope>, host: string): Promise<number> {
  const { address } = await tcpServer(scope, host, echo);
  return address.kind === 'ip' ? address.port : 0;
}

describeWhere(canMakeNamespaces, 'not root, or no ip', 'sluice with no local port but its target’s', () => {
  const scope = useScope();

  const targets = ['127.0.0.1', '0.0.0.0', '[::1]', '[::]'];
  const cases = ['splice', 'stream'].flatMap((engine) => targets.map((target) => ({ engine, target })));

  test.each(cases)('never dials itself there: $engine engine, $target', async ({ engine, target }) => {
    const namespace = makeNamespace(scope);
    setInside(namespace, 'net/ipv4/ip_local_port_range', '40001 40001');
    const sluice = await runSluice(
      scope,
      [
        ...['--engine', engine, '-p', `${namespace.inside}:80:40001`],
        ...['-p', `${namespace.inside}:53:40001/udp`, target],
      ],
      2,
      { within: namespace.enter },
    );
    const client = await udpPeer(scope, namespace.outside);
    client.send('anybody there?', endpointOf(namespace.inside, 53));
    expect(await ending(await dial(scope, 80, namespace.inside))).toBe('reset');
    expect(await sluice.flowLogged('target-refused')).toMatchObject({ error: 'ECONNREFUSED', bytes_out: 0 });
    // Its port is free for the server that it belongs to.
    await echoInside(scope, namespace.path, target.includes(':') ? '::1' : '127.0.0.1', 40_001);
    setInside(namespace, 'net/ipv4/ip_local_port_range', '40001 40004');
    expect(await exchange(await dial(scope, 80, namespace.inside), 'hello')).toBe('hello');
    client.send('hello', endpointOf(namespace.inside, 53));
    expect((await client.next()).datagram.toString()).toBe('hello');
    expect((await sluice.stop()).code).toBe(0);
  });
});

describeWhere(canMakeNamespaces, 'not root, or no ip', 'sluice where IPv6 is turned off', () => {
  const scope = useScope();

  test.each(['splice', 'stream'])('does not wait for an address of it: %s engine', async (engine) => {
    const namespace = makeNamespace(scope);
    setInside(namespace, 'net/ipv6/conf/all/disable_ipv6', '1');
    const sluice = await runSluice(scope, ['--engine', engine, '-p', `${namespace.inside}:80:80`, '::1'], 1, {
      within: namespace.enter,
    });
    expect(await ending(await dial(scope, 80, namespace.inside))).toBe('reset');
    const end = await sluice.flowLogged('target-unreachable');
    expect(end).toMatchObject({ error: 'EADDRNOTAVAIL' });
    expect(Number(end['ms'])).toBeLessThan(limits.connectTimeoutMs / 2);
    expect(troublesOf(sluice)).toEqual([]);
    expect((await sluice.stop()).code).toBe(0);
  });
});

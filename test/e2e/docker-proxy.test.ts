/** bin/docker-proxy.js as dockerd starts it, beside docker-proxy itself: what each does, in one table. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import {
  argumentsFor,
  dockerProxyPath,
  type Published,
  sluiceProxyPath,
  spawnProxy,
  startProxy,
} from '../support/docker-proxy-process.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import {
  closedPort,
  dial,
  ending,
  endpointOf,
  exchange,
  readExactly,
  recentlyFreePort,
  tcpServer,
} from '../support/tcp-peers.js';
import { echo, udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';

const scope = useScope();

interface Behaviour {
  /** What happens; the two answers are what each program makes of it. */
  readonly name: string;
  readonly sluice: string;
  readonly dockerProxy: string;
  readonly observe: (program: string) => Promise<string>;
}

const carried = { sluice: 'carried', dockerProxy: 'carried' };

/** A stream through the proxy, half-closed, answered after the FIN. */
async function answerAfterFin(program: string, hostIp: string, containerIp: string): Promise<string> {
  const { address } = await tcpServer(scope, containerIp, (socket) => {
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data;
    });
    socket.on('end', () => socket.end(`had ${text}`));
  });
  const { port } = await startProxy(scope, program, { hostIp, container: address });
  const client = await dial(scope, port, hostIp === '::' ? '::1' : hostIp);
  return (await exchange(client, 'hello')) === 'had hello' ? 'carried' : 'lost';
}

async function openPair(program: string): Promise<{ client: Socket; accepted: Socket }> {
  const server = await tcpServer(scope, '127.0.0.1');
  const { port } = await startProxy(scope, program, { container: server.address });
  const client = await dial(scope, port);
  const accepted = await server.next();
  client.write('x');
  await readExactly(accepted, 1);
  return { client, accepted };
}

async function echoed(program: string, published: Omit<Published, 'container'>, ip: string): Promise<string> {
  const target = await udpPeer(scope, ip, echo);
  const { port } = await startProxy(scope, program, {
    protocol: 'udp',
    ...published,
    container: target.address,
  });
  const hostIp = published.hostIp ?? '127.0.0.1';
  const client = await udpPeer(scope, hostIp);
  client.send('ping', endpointOf(hostIp, port));
  return (await client.next()).datagram.toString() === 'ping' ? 'carried' : 'changed';
}

async function refusalFor(program: string, ...args: string[]): Promise<string> {
  const proxy = spawnProxy(scope, program, args);
  const told = await proxy.told;
  return `${JSON.stringify(told)}, exit ${(await proxy.ended()).code}`;
}

/** Stopped with a flow in progress. */
async function stopped(program: string, signal: NodeJS.Signals): Promise<string> {
  const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
  const proxy = await startProxy(scope, program, { container: server.address });
  const client = await dial(scope, proxy.port);
  client.write('x');
  await readExactly(client, 1);
  return proxy.stop(signal);
}

const behaviours: readonly Behaviour[] = [
  {
    name: 'an answer that comes after the client has sent its FIN',
    ...carried,
    observe: (program) => answerAfterFin(program, '127.0.0.1', '127.0.0.1'),
  },
  {
    name: 'the container resets',
    sluice: 'the client sees a reset',
    dockerProxy: 'the client sees an orderly end',
    observe: async (program) => {
      const { client, accepted } = await openPair(program);
      const seen = ending(client);
      accepted.resetAndDestroy();
      return `the client sees ${(await seen) === 'reset' ? 'a reset' : 'an orderly end'}`;
    },
  },
  {
    name: 'the client resets',
    sluice: 'the container sees a reset',
    dockerProxy: 'the container sees an orderly end',
    observe: async (program) => {
      const { client, accepted } = await openPair(program);
      const seen = ending(accepted);
      client.resetAndDestroy();
      return `the container sees ${(await seen) === 'reset' ? 'a reset' : 'an orderly end'}`;
    },
  },
  {
    name: 'the container refuses',
    sluice: 'the client sees a reset',
    dockerProxy: 'the client sees an orderly end',
    observe: async (program) => {
      const { port } = await startProxy(scope, program, { container: await closedPort(scope, '127.0.0.1') });
      const client = await dial(scope, port);
      return `the client sees ${(await ending(client)) === 'reset' ? 'a reset' : 'an orderly end'}`;
    },
  },
  { name: 'a datagram and its answer', ...carried, observe: (program) => echoed(program, {}, '127.0.0.1') },
  {
    name: 'an empty datagram',
    sluice: 'passed on',
    dockerProxy: 'dropped',
    observe: async (program) => {
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const published = { protocol: 'udp', container: target.address } as const;
      const { port } = await startProxy(scope, program, published);
      const client = await udpPeer(scope, '127.0.0.1');
      const host = endpointOf('127.0.0.1', port);
      client.send('first', host);
      await client.next();
      client.send('', host);
      client.send('last', host);
      await until('the last', () => client.received.some(({ datagram }) => datagram.toString() === 'last'));
      return target.received.length === 3 ? 'passed on' : 'dropped';
    },
  },
  {
    name: 'a client that speaks to 127.0.0.1, then to 127.0.0.2, on a wildcard port',
    sluice: 'answered by the address it spoke to',
    dockerProxy: 'answered by 127.0.0.1 (by the address it spoke to since Docker 28)',
    observe: async (program) => {
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const { port } = await startProxy(scope, program, {
        protocol: 'udp',
        hostIp: '0.0.0.0',
        container: target.address,
      });
      const client = await udpPeer(scope, '127.0.0.1');
      const answers: string[] = [];
      for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2']) {
        client.send(address, endpointOf(address, port));
        const { datagram, from } = await client.next();
        answers.push(`${datagram} by ${from.address}`);
      }
      return answers.join() ===
        '127.0.0.1 by 127.0.0.1,127.0.0.2 by 127.0.0.2,127.0.0.1 by 127.0.0.1,127.0.0.2 by 127.0.0.2'
        ? 'answered by the address it spoke to'
        : 'answered by 127.0.0.1 (by the address it spoke to since Docker 28)';
    },
  },
  {
    name: 'a UDP container that appears later',
    ...carried,
    observe: async (program) => {
      const containerPort = await recentlyFreePort();
      const container = { kind: 'ip', ...endpointOf('127.0.0.1', containerPort) } as const;
      const { port } = await startProxy(scope, program, { protocol: 'udp', container });
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('too early', endpointOf('127.0.0.1', port));
      const target = await udpPeer(scope, '127.0.0.1', echo, containerPort);
      await until('an answer', () => {
        client.send('ping', endpointOf('127.0.0.1', port));
        return client.received.length > 0;
      });
      return target.received.length > 0 ? 'carried' : 'lost';
    },
  },
  {
    name: 'a client whose datagrams are never answered',
    sluice: 'one source port',
    dockerProxy: 'one source port',
    observe: async (program) => {
      const target = await udpPeer(scope, '127.0.0.1');
      const { port } = await startProxy(scope, program, { protocol: 'udp', container: target.address });
      const client = await udpPeer(scope, '127.0.0.1');
      for (let sent = 1; sent <= 5; sent += 1) {
        client.send('x', endpointOf('127.0.0.1', port));
        await until('the datagram', () => target.received.length === sent);
      }
      return new Set(target.received.map(({ from }) => from.port)).size === 1 ? 'one source port' : 'several';
    },
  },
  {
    name: 'more connections than the limit of open files allows',
    sluice: 'the port is kept, and serves again',
    dockerProxy: 'the process ends, and the port with it',
    observe: async (program) => {
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      const under = ['prlimit', '--nofile=64:64'];
      const proxy = await startProxy(scope, program, { container: server.address }, { under });
      let over = false;
      void proxy.exited.then(() => {
        over = true;
      });
      const clients = Array.from({ length: 100 }, () =>
        connect(proxy.port, '127.0.0.1').on('error', () => undefined),
      );
      scope.onEnd(() => {
        for (const client of clients) client.destroy();
      });
      await until('the limit to be met', () => over || server.connections.length > 10);
      for (const client of clients) client.destroy();
      if (program !== sluiceProxyPath) await proxy.ended();
      if (over) return 'the process ends, and the port with it';
      const answer = await exchange(await dial(scope, proxy.port), 'again');
      return answer === 'again' ? 'the port is kept, and serves again' : 'it serves no more';
    },
  },
  ...(['SIGINT', 'SIGTERM'] as const).map((signal) => ({
    name: `${signal} with a connection open`,
    sluice: 'exits 0',
    dockerProxy: 'exits 0',
    observe: (program: string) => stopped(program, signal),
  })),
  {
    name: 'SIGHUP',
    sluice: 'serves on',
    dockerProxy: 'SIGHUP ends it',
    observe: async (program) => {
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      const proxy = await startProxy(scope, program, { container: server.address });
      proxy.child.kill('SIGHUP');
      if (program !== sluiceProxyPath) return `${(await proxy.ended()).signal} ends it`;
      for (let round = 0; round < 3; round += 1) await exchange(await dial(scope, proxy.port), 'x');
      return proxy.child.exitCode === null ? 'serves on' : 'ended';
    },
  },
  {
    name: 'an unknown flag',
    sluice: '"", exit 2',
    dockerProxy: '"", exit 2',
    observe: (program) => refusalFor(program, '-mtu', '1500'),
  },
  {
    name: '-proto sctp',
    sluice: '"1\\nunsupported protocol sctp", exit 1',
    dockerProxy: 'carried where the kernel has SCTP, else "1\\nprotocol not supported", exit 1',
    observe: async (program) => {
      const proxy = spawnProxy(scope, program, [
        '-proto',
        'sctp',
        '-host-ip',
        '127.0.0.1',
        '-host-port',
        '0',
      ]);
      const told = await proxy.told;
      if (program !== sluiceProxyPath && /^(0\n|1\nprotocol not supported)$/.test(told))
        return 'carried where the kernel has SCTP, else "1\\nprotocol not supported", exit 1';
      return `${JSON.stringify(told)}, exit ${(await proxy.ended()).code}`;
    },
  },
  {
    name: 'a port that is taken',
    sluice: 'failed to listen on 127.0.0.1:PORT: listen tcp4 127.0.0.1:PORT: bind: address already in use',
    dockerProxy:
      'listen tcp4 127.0.0.1:PORT: bind: address already in use (with the same front since Docker 28)',
    observe: async (program) => {
      const { address } = await tcpServer(scope, '127.0.0.1');
      if (address.kind !== 'ip') return 'no port';
      const proxy = spawnProxy(scope, program, argumentsFor({ container: address }, address.port));
      const told = (await proxy.told).replaceAll(String(address.port), 'PORT').replace(/^1\n/, '');
      await proxy.ended();
      return program === sluiceProxyPath ? told : `${told} (with the same front since Docker 28)`;
    },
  },
  {
    name: 'an address that the host does not have',
    sluice: 'cannot assign requested address',
    dockerProxy: 'cannot assign requested address',
    observe: async (program) => {
      const container = await closedPort(scope, '127.0.0.1');
      const proxy = spawnProxy(scope, program, argumentsFor({ hostIp: '192.0.2.1', container }, 8080));
      return (await proxy.told).split(': ').pop() ?? '';
    },
  },
];

const ipv6Behaviours: readonly Behaviour[] = [
  {
    name: 'IPv6 to an IPv6 container',
    ...carried,
    observe: (program) => answerAfterFin(program, '::1', '::1'),
  },
  {
    name: 'IPv6 on every address to an IPv4 container',
    ...carried,
    observe: (program) => answerAfterFin(program, '::', '127.0.0.1'),
  },
  {
    name: 'IPv4 to an IPv6 container',
    ...carried,
    observe: (program) => answerAfterFin(program, '127.0.0.1', '::1'),
  },
  {
    name: 'a datagram over IPv6',
    ...carried,
    observe: (program) => echoed(program, { hostIp: '::1' }, '::1'),
  },
  {
    name: 'a datagram over IPv6 to an IPv4 container',
    ...carried,
    observe: (program) => echoed(program, { hostIp: '::1' }, '127.0.0.1'),
  },
];

const all = [...behaviours, ...ipv6Behaviours];

describe('sluice as docker-proxy', () => {
  test.each(behaviours)('$name: $sluice', async ({ observe, sluice }) => {
    expect(await observe(sluiceProxyPath)).toBe(sluice);
  });
});

describeWhere(hasIpv6, 'no IPv6 here', 'sluice as docker-proxy, with IPv6', () => {
  test.each(ipv6Behaviours)('$name: $sluice', async ({ observe, sluice }) => {
    expect(await observe(sluiceProxyPath)).toBe(sluice);
  });
});

describeWhere(
  dockerProxyPath !== undefined && hasIpv6,
  'no docker-proxy (docker.io), or no IPv6',
  'docker-proxy',
  () => {
    test.each(all)('$name: $dockerProxy', async ({ observe, dockerProxy }) => {
      expect(await observe(dockerProxyPath ?? '')).toBe(dockerProxy);
    });
  },
);

describe('docs/docker-proxy.md', () => {
  test('lists every difference', () => {
    const page = readFileSync('docs/docker-proxy.md', 'utf8').replace(/ +/g, ' ');
    const missing = all
      .filter(({ sluice, dockerProxy }) => sluice !== dockerProxy)
      .map(({ name, sluice, dockerProxy }) => `| ${name} | ${sluice} | ${dockerProxy} |`)
      .filter((row) => !page.includes(row));
    expect(missing).toEqual([]);
  });
});

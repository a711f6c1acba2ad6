/** What dockerd relies on in its proxy, line by line (moby: cmd/docker-proxy, portmapper/proxy_linux.go). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM } from '../../src/sys/socket.js';
import { version } from '../../src/version.js';
import { argumentsFor, sluiceProxyPath, spawnProxy, startProxy } from '../support/docker-proxy-process.js';
import { temporaryFolder } from '../support/folder.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';
import {
  closedPort,
  dial,
  dialError,
  echo,
  ending,
  endpointOf,
  exchange,
  readExactly,
  recentlyFreePort,
  tcpServer,
} from '../support/tcp-peers.js';
import { echo as echoDatagram, udpPeer } from '../support/udp-peers.js';
import { settled, until } from '../support/until.js';

const scope = useScope();
const useListenFd = '-use-listen-fd';

const echoServer = () => tcpServer(scope, '127.0.0.1', echo);

describe('the command line', () => {
  test.each(['-v', '--version'])('%s prints who it is', async (flag) => {
    const proxy = spawnProxy(scope, sluiceProxyPath, [flag]);
    expect(await proxy.ended()).toEqual({ code: 0, signal: null });
    expect(proxy.stdout).toBe(`docker-proxy (commit sluice) version ${version}\n`);
  });

  test.each([
    { args: ['-mtu', '1500'], code: 2, first: 'flag provided but not defined: -mtu' },
    { args: ['-host-port', 'http'], code: 2, first: 'invalid value "http" for flag -host-port: parse error' },
    { args: ['-help'], code: 0, first: `Usage of ${sluiceProxyPath}:` },
  ])('$args prints the usage, says nothing on the pipe and exits $code', async ({ args, code, first }) => {
    const proxy = spawnProxy(scope, sluiceProxyPath, args);
    expect(await proxy.ended()).toEqual({ code, signal: null });
    expect(proxy.stderr.split('\n')[0]).toBe(first);
    expect(proxy.stderr).toContain('  -container-ip value\n');
    expect(await proxy.told).toBe('');
  });

  test('without a pipe tells a failure on stderr', async () => {
    const proxy = spawn(sluiceProxyPath, ['-proto', 'sctp'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    proxy.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(proxy, 'close');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'docker-proxy: unsupported protocol sctp\n' });
  });
});

describe('a socket on descriptor 4', () => {
  const containerFlags = (port: number) =>
    argumentsFor({ container: { kind: 'ip', ...endpointOf('127.0.0.1', port) } }, 0);

  test('that listens for TCP is served, and what waits in its queue too', async () => {
    const { address } = await echoServer();
    const raw = new RawSockets(scope);
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    const early = await dial(scope, port);
    const args = [useListenFd, ...containerFlags(address.kind === 'ip' ? address.port : 0)];
    const proxy = spawnProxy(scope, sluiceProxyPath, args, { listenDescriptor: descriptor });
    expect(await proxy.told).toBe('0\n');
    raw.close(descriptor);
    expect(await exchange(early, 'early')).toBe('early');
    expect(await exchange(await dial(scope, port), 'late')).toBe('late');
    await proxy.stop('SIGTERM');
    expect(await dialError(scope, port)).toBe('ECONNREFUSED');
  });

  test('that is bound for UDP is served', async () => {
    const target = await udpPeer(scope, '127.0.0.1', echoDatagram);
    const raw = new RawSockets(scope);
    const descriptor = raw.socket(AF_INET, SOCK_DGRAM);
    const port = raw.bind(descriptor);
    const args = ['-proto', 'udp', useListenFd, '-container-ip', '127.0.0.1'];
    const containerPort = ['-container-port', String(target.endpoint.port)];
    const options = { listenDescriptor: descriptor };
    const proxy = spawnProxy(scope, sluiceProxyPath, [...args, ...containerPort], options);
    expect(await proxy.told).toBe('0\n');
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('ping', endpointOf('127.0.0.1', port));
    expect((await client.next()).datagram.toString()).toBe('ping');
  });

  const kinds: {
    what: string;
    flags: string[];
    open: (raw: RawSockets) => number;
    is: string;
    asked: string;
  }[] = [
    {
      what: 'a UDP socket for TCP',
      flags: [],
      open: (raw) => {
        const descriptor = raw.socket(AF_INET, SOCK_DGRAM);
        raw.bind(descriptor);
        return descriptor;
      },
      is: 'an IPv4 UDP socket that is bound',
      asked: 'an IPv4 TCP socket that listens',
    },
    {
      what: 'a TCP socket for UDP',
      flags: ['-proto', 'udp'],
      open: (raw) => raw.listener(SOCK_STREAM).descriptor,
      is: 'an IPv4 TCP socket that listens',
      asked: 'an IPv4 UDP socket that is bound',
    },
    {
      what: 'a TCP socket that is only bound',
      flags: [],
      open: (raw) => {
        const descriptor = raw.socket(AF_INET, SOCK_STREAM);
        raw.bind(descriptor);
        return descriptor;
      },
      is: 'an IPv4 TCP socket that does not listen',
      asked: 'an IPv4 TCP socket that listens',
    },
    {
      what: 'an IPv4 socket for an IPv6 address',
      flags: ['-host-ip', '::'],
      open: (raw) => raw.listener(SOCK_STREAM).descriptor,
      is: 'an IPv4 TCP socket that listens',
      asked: 'an IPv6 TCP socket that listens',
    },
    {
      what: 'a pipe',
      flags: [],
      open: (raw) => raw.pipe()[0],
      is: 'no socket',
      asked: 'an IPv4 TCP socket that listens',
    },
  ];
  test.each(kinds)('that is $what is refused in words', async ({ flags, open, is, asked }) => {
    const listenDescriptor = open(new RawSockets(scope));
    const args = [useListenFd, ...flags, '-container-ip', '127.0.0.1', '-container-port', '9'];
    const proxy = spawnProxy(scope, sluiceProxyPath, args, { listenDescriptor });
    expect(await proxy.told).toBe(`1\ndescriptor 4 is ${is}, where ${asked} was asked for`);
    expect(await proxy.ended()).toEqual({ code: 1, signal: null });
  });

  test('that is not there at all is refused in words', async () => {
    const proxy = spawnProxy(scope, sluiceProxyPath, [useListenFd, '-container-port', '9']);
    expect(await proxy.told).toMatch(/^1\ndescriptor 4 is no socket, /);
  });
});

describe('a proxy that serves', () => {
  test('says it once on the pipe, closes that, and prints nothing', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address });
    await exchange(await dial(scope, proxy.port), 'hello');
    expect(await proxy.stop('SIGINT')).toBe('exits 0');
    expect({ stdout: proxy.stdout, stderr: proxy.stderr }).toEqual({ stdout: '', stderr: '' });
  });

  test('is seen as docker-proxy, with its flags', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address });
    expect(readFileSync(`/proc/${proxy.pid}/comm`, 'utf8')).toBe('docker-proxy\n');
    expect(readFileSync(`/proc/${proxy.pid}/cmdline`, 'utf8')).toMatch(
      /^docker-proxy -proto tcp -host-ip 127\.0\.0\.1 /,
    );
  });

  test('has one shard on the main thread, and no thread of its own', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address });
    const plain = spawn(process.execPath, ['-e', "process.stdout.write('up'); setInterval(() => 0, 1e6)"]);
    scope.onEnd(() => plain.kill('SIGKILL'));
    await once(plain.stdout, 'data');
    const threads = (pid = 0) => /^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    expect(threads(proxy.pid)).toBe(threads(plain.pid));
  });

  test('takes less than 55 MB', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address });
    await exchange(await dial(scope, proxy.port), 'hello');
    const status = readFileSync(`/proc/${proxy.pid}/status`, 'utf8');
    expect(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])).toBeLessThan(55_000);
  });

  test('uses no time while nothing comes', async () => {
    const { address } = await echoServer();
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address });
    await exchange(await dial(scope, proxy.port), 'hello');
    const switches = () =>
      Number(
        /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))?.[1],
      );
    await settled('its wakeups', switches);
  });

  test('ends with a parent that asked the kernel for it', async () => {
    const { address } = await echoServer();
    const port = await recentlyFreePort();
    const proxy = [
      'setpriv',
      '--pdeathsig',
      'TERM',
      sluiceProxyPath,
      ...argumentsFor({ container: address }, port),
    ];
    // The shell writes the number of its child, which writes 0 on descriptor 3, here the same stdout.
    const parent = spawn('sh', ['-c', '"$@" 3>&1 & echo "$!"; wait', 'sh', ...proxy]);
    let said = '';
    parent.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until('the proxy to serve', () => /^\d+\n0\n$/.test(said));
    const pid = Number.parseInt(said, 10);
    expect(await exchange(await dial(scope, port), 'hello')).toBe('hello');
    parent.kill('SIGKILL');
    await until('the proxy to end', () => hasEnded(pid));
    // The last of its threads closes the port.
    await until('the port to be free', async () => (await dialError(scope, port)) === 'ECONNREFUSED');
  });

  test('keeps its port while the container is gone, and serves the next one', async () => {
    const container = await closedPort(scope, '127.0.0.1');
    const proxy = await startProxy(scope, sluiceProxyPath, { container });
    expect(await ending(await dial(scope, proxy.port))).toBe('reset');
    const port = container.kind === 'ip' ? container.port : 0;
    const server = createServer((socket) => socket.pipe(socket)).listen(port, '127.0.0.1');
    scope.onEnd(() => server.close());
    await once(server, 'listening');
    expect(await exchange(await dial(scope, proxy.port), 'back')).toBe('back');
  });
});

describe('SLUICE_DOCKER_PROXY_LOG', () => {
  test('names a file that tells of the start, each flow, and the counters at the end', async () => {
    const { address } = await echoServer();
    const file = join(temporaryFolder(scope), 'proxy.log');
    const env = { SLUICE_DOCKER_PROXY_LOG: file };
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address }, { env });
    await exchange(await dial(scope, proxy.port), 'hello');
    await until('the flow to be logged', () => recordsIn(file).length === 2);
    await proxy.stop('SIGTERM');
    expect(recordsIn(file)).toMatchObject([
      { level: 'info', pid: proxy.pid, engine: 'splice', published: `127.0.0.1:${proxy.port}` },
      { msg: 'flow ended', reason: 'done', bytes_in: 5, bytes_out: 5 },
      { msg: 'stopped', signal: 'SIGTERM', flows_opened: 1, flows_ended: 1, bytes_in: 5, bytes_out: 5 },
    ]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'tells of a flow that has just ended and of one that is open at %s',
    async (signal) => {
      const { address } = await echoServer();
      const file = join(temporaryFolder(scope), 'proxy.log');
      const env = { SLUICE_DOCKER_PROXY_LOG: file };
      const proxy = await startProxy(scope, sluiceProxyPath, { container: address }, { env });
      const open = await dial(scope, proxy.port);
      open.on('error', () => undefined);
      open.write('x');
      await readExactly(open, 1);
      await exchange(await dial(scope, proxy.port), 'hello');
      expect(await proxy.stop(signal)).toBe('exits 0');
      expect(recordsIn(file).slice(1)).toMatchObject([
        { msg: 'flow ended', reason: 'done', bytes_in: 5, bytes_out: 5 },
        { msg: 'flow ended', reason: 'drained', bytes_in: 1, bytes_out: 1 },
        { msg: 'stopped', signal, flows_opened: 2, flows_ended: 2, bytes_in: 6, bytes_out: 6 },
      ]);
    },
  );

  test('that cannot be written costs the log, not the port', async () => {
    const { address } = await echoServer();
    const stderr = join(temporaryFolder(scope), 'stderr');
    const env = { SLUICE_DOCKER_PROXY_LOG: '/nowhere/proxy.log', STDERR: stderr };
    const under = ['sh', '-c', 'exec "$@" 2>"$STDERR"', 'sh'];
    const proxy = await startProxy(scope, sluiceProxyPath, { container: address }, { env, under });
    expect(await exchange(await dial(scope, proxy.port), 'hello')).toBe('hello');
    expect(readFileSync(stderr, 'utf8')).toMatch(
      /^docker-proxy: tcp 127\.0\.0\.1:.* cannot be written: ENOENT/,
    );
  });
});

describe('where dockerd has no node on its PATH', () => {
  test('the wrapper of the documents starts it', async () => {
    const { address } = await echoServer();
    const wrapper = join(temporaryFolder(scope), 'docker-proxy');
    const script = /^#!\/bin\/sh\nexec .*$/m.exec(readFileSync('docs/docker-proxy.md', 'utf8'))?.[0] ?? '';
    const [, node = '', program = ''] = /^exec (\S+) (\S+) "\$@"$/m.exec(script) ?? [];
    expect(program).toMatch(/bin\/docker-proxy\.js$/);
    writeFileSync(wrapper, script.replace(node, process.execPath).replace(program, sluiceProxyPath));
    chmodSync(wrapper, 0o755);
    const proxy = await startProxy(scope, wrapper, { container: address }, { env: { PATH: '/nowhere' } });
    expect(await exchange(await dial(scope, proxy.port), 'hello')).toBe('hello');
    expect(await proxy.stop('SIGINT')).toBe('exits 0');
  });
});

function recordsIn(logFile: string): Record<string, unknown>[] {
  return readFileSync(logFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function hasEnded(pid: number): boolean {
  return !existsSync(`/proc/${pid}/stat`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
}

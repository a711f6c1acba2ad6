/** A real dockerd with sluice for its userland proxy, which carries all there is, since dockerd makes no firewall rules. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { sluiceProxyPath } from '../support/docker-proxy-process.js';
import { busyboxImage, type Dockerd, startDockerd, whyNoDockerd } from '../support/dockerd.js';
import { type InsideClient, openInsideClient } from '../support/inside-client.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { until } from '../support/until.js';

const missing = whyNoDockerd() ?? (hasIpv6 ? undefined : 'no IPv6');
/** Far longer than any of these takes: dockerd starts 100 proxies one after the other. */
const testMs = 240_000;
jest.setTimeout(testMs);

/** A program of the host's in a container: the image has nothing that could serve many clients. */
const hostFiles = ['--volume', '/:/host:ro'];
const echoServer = (first: number, last = first) => [
  ...[
    'chroot',
    '/host',
    process.execPath,
    fileURLToPath(new URL('../support/echo-server.js', import.meta.url)),
  ],
  ...[String(first), String(last)],
];
const tcpEcho = echoServer(80);
const udpEcho = echoServer(53);
const ownAddress = '10.99.0.1';

describeWhere(missing === undefined, missing ?? '', 'dockerd with sluice as its userland proxy', () => {
  let dockerd: Dockerd;
  let client: InsideClient;
  const logFolder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const logFile = join(logFolder, 'proxy.log');

  beforeAll(async () => {
    dockerd = await startDockerd({
      config: { 'userland-proxy-path': sluiceProxyPath, iptables: false },
      env: { SLUICE_DOCKER_PROXY_LOG: logFile },
    });
    await dockerd.run('ip', 'address', 'add', `${ownAddress}/32`, 'dev', 'lo');
    client = openInsideClient(dockerd);
  });
  afterEach(async () => {
    const containers = await dockerd.docker('ps', '--all', '--quiet');
    if (containers !== '') await dockerd.docker('rm', '--force', ...containers.split('\n'));
    await noProxyLeft();
  });
  afterAll(async () => {
    await client.close();
    await dockerd.close();
    rmSync(logFolder, { recursive: true, force: true });
  });

  const proxies = () =>
    dockerd.processes().filter(({ command }) => command.join(' ').includes('docker-proxy'));
  const noProxyLeft = () => until('every proxy to be gone', () => proxies().length === 0);
  const runContainer = (name: string, flags: readonly string[], command: readonly string[]) =>
    dockerd.docker('run', '--detach', '--name', name, ...hostFiles, ...flags, busyboxImage, ...command);
  /** What docker port tells; older ones wrote IPv6 addresses without brackets. */
  const published = async (name: string) =>
    (await dockerd.docker('port', name)).replace(/-> (?!\[)(\S*:\S*):(\d+)$/gm, '-> [$1]:$2');
  const ready = (port: number) =>
    until(`port ${port} to answer`, async () => (await client.ask('127.0.0.1', port, 'up')) === 'up');
  const logged = (text: string) =>
    until(`${text} in the log`, () => readFileSync(logFile, 'utf8').includes(text));

  test('a TCP port answers on 127.0.0.1, ::1 and the own addresses of the host, through sluice', async () => {
    await runContainer('web', ['-p', '8080:80'], tcpEcho);
    await ready(8080);
    for (const address of ['127.0.0.1', '::1', ownAddress, '172.17.0.1'])
      expect(`${address} ${await client.ask(address, 8080, 'hello')}`).toBe(`${address} hello`);
    expect(await published('web')).toBe('80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080');
    expect(proxies()).toHaveLength(2);
    await logged('"mapping":"tcp 0.0.0.0:8080 -> 172.17.0.2:80","msg":"flow ended"');
    await logged('"mapping":"tcp [::]:8080 -> 172.17.0.2:80","msg":"flow ended"');
  });

  test('a UDP port answers from the address that was asked', async () => {
    await runContainer('dns', ['-p', '5353:53/udp'], udpEcho);
    for (const address of ['127.0.0.1', '::1', ownAddress, '172.17.0.1']) {
      const answered = async () => (await client.ask(address, 5353, 'ping', 'udp')) === 'ping';
      await until(`an answer of ${address}`, answered);
    }
    expect(await published('dns')).toBe('53/udp -> 0.0.0.0:5353\n53/udp -> [::]:5353');
  });

  test('a range, a free port and one IPv6 address are published as docker port tells them', async () => {
    const flags = ['-p', '127.0.0.1:8100-8102:80-82', '-p', '127.0.0.1::80', '-p', '[::1]:8200:80'];
    await runContainer('many', flags, tcpEcho);
    await ready(8100);
    const ports = await published('many');
    expect(ports).toContain('81/tcp -> 127.0.0.1:8101');
    expect(ports).toContain('82/tcp -> 127.0.0.1:8102');
    expect(ports).toContain('80/tcp -> [::1]:8200');
    const free = [...ports.matchAll(/^80\/tcp -> 127\.0\.0\.1:(\d+)$/gm)].map(([, port]) => Number(port));
    const port = free.find((number) => number !== 8100) ?? 0;
    expect(await client.ask('127.0.0.1', port)).toBe('hello');
    expect(await client.ask('::1', 8200)).toBe('hello');
    // Nothing listens there in the container.
    expect(await client.ask('127.0.0.1', 8101)).toBe('ECONNRESET');
    expect(await client.ask('127.0.0.1', 8200)).toBe('ECONNREFUSED');
  });

  test('a container that is stopped, started, killed, renamed and removed has its port while it runs', async () => {
    await runContainer('first', ['-p', '127.0.0.1:8080:80'], tcpEcho);
    await ready(8080);
    for (const end of ['stop', 'kill']) {
      await dockerd.docker(end, 'first');
      await noProxyLeft();
      expect(await client.ask('127.0.0.1', 8080)).toBe('ECONNREFUSED');
      await dockerd.docker('start', 'first');
      await ready(8080);
    }
    await dockerd.docker('rename', 'first', 'second');
    expect(await client.ask('127.0.0.1', 8080)).toBe('hello');
    expect(await dockerd.docker('port', 'second')).toBe('80/tcp -> 127.0.0.1:8080');
    await dockerd.docker('rm', '--force', 'second');
    expect(await client.ask('127.0.0.1', 8080)).toBe('ECONNREFUSED');
  });

  test('a port is had once: by a container, and by whoever else listens there', async () => {
    await runContainer('holder', ['-p', '8080:80'], tcpEcho);
    await expect(runContainer('other', ['-p', '8080:80'], tcpEcho)).rejects.toThrow(
      'port is already allocated',
    );
    const [command, args] = dockerd.inside('busybox', 'nc', '-l', '-p', '8081');
    const listener = spawn(command, args, { stdio: 'ignore' });
    try {
      await until('the listener', async () => (await dockerd.run('ss', '-ltn')).includes(':8081'));
      await expect(runContainer('third', ['-p', '8081:80'], tcpEcho)).rejects.toThrow(
        'failed to listen on 0.0.0.0:8081: listen tcp4 0.0.0.0:8081: bind: address already in use',
      );
    } finally {
      listener.kill('SIGKILL');
    }
  });

  test('20 restarts in a row keep the port', async () => {
    await runContainer('web', ['-p', '127.0.0.1:8080:80'], tcpEcho);
    for (let round = 1; round <= 20; round += 1) {
      await dockerd.docker('restart', 'web');
      await ready(8080);
      expect(proxies()).toHaveLength(1);
    }
  });

  test('dockerd restarted under load, and killed, has its ports again', async () => {
    await runContainer('web', ['--restart', 'always', '-p', '8080:80'], tcpEcho);
    await ready(8080);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      let going = true;
      const answers = new Map<string, number>();
      const load = Array.from({ length: 8 }, async () => {
        while (going) {
          const answer = await client.ask('127.0.0.1', 8080);
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
        }
      });
      const before = proxies().map(({ pid }) => pid);
      await dockerd.restart({ signal });
      await ready(8080);
      going = false;
      await Promise.all(load);
      expect(answers.get('hello')).toBeGreaterThan(0);
      const after = proxies().map(({ pid }) => pid);
      expect(after).toHaveLength(2);
      expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    }
  });

  test('100 ports published at once all answer', async () => {
    await runContainer('many', ['-p', '127.0.0.1:9000-9099:9000-9099'], echoServer(9000, 9099));
    expect(proxies()).toHaveLength(100);
    const ports = Array.from({ length: 100 }, (_, index) => 9000 + index);
    await Promise.all(ports.map(ready));
    expect((await dockerd.docker('port', 'many')).split('\n')).toHaveLength(100);
  });

  test('with firewall rules it still carries what goes to 127.0.0.1', async () => {
    await dockerd.restart({ config: { iptables: true } });
    await runContainer('web', ['-p', '8085:80'], tcpEcho);
    await ready(8085);
    expect(await client.ask(ownAddress, 8085)).toBe('hello');
    await logged('"mapping":"tcp 0.0.0.0:8085 -> 172.17.0.2:80","msg":"flow ended"');
  });
});

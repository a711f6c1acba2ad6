/** Real clients and servers with the real executable between them. */
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it, jest } from '@jest/globals';
import autocannon from 'autocannon';
import * as dnsPacket from 'dns-packet';
import { blockBytes, HashSink, hashOfBlocks, numberedBlocks } from '../support/bytes.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';
import { dial, echo, ending, endpointOf, exchange, listenTcp, tcpServer } from '../support/tcp-peers.js';
import { echo as echoDatagram, udpPeer } from '../support/udp-peers.js';
import { withDeadline } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

async function listenHttp(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.onEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

describe('a web server under load', () => {
  it('answers every request over kept connections, and each connection is logged as done', async () => {
    const target = await listenHttp((_request, response) => response.end('hello'));
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    let connected = 0;
    const result = await autocannon({
      url: `http://127.0.0.1:${sluice.port()}/`,
      connections: 50,
      amount: 10_000,
      timeout: 20,
      setupClient: () => {
        connected += 1;
      },
    });
    expect(result).toMatchObject({ errors: 0, timeouts: 0, non2xx: 0, '2xx': 10_000 });
    await sluice.flowsLogged(connected);
    await sluice.stop();
    expect(sluice.flows().map(({ reason }) => reason)).toEqual(Array(connected).fill('done'));
  });

  it('answers every request over a connection each', async () => {
    const target = await listenHttp((_request, response) => response.end('hello'));
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const result = await autocannon({
      url: `http://127.0.0.1:${sluice.port()}/`,
      connections: 50,
      duration: 3,
      timeout: 20,
      headers: { connection: 'close' },
    });
    expect(result).toMatchObject({ errors: 0, timeouts: 0, non2xx: 0 });
    expect(result['2xx']).toBeGreaterThan(500);
    await sluice.flowsLogged(result['2xx'], 'done');
    await sluice.stop();
    // When the time is over the clients leave, in the middle of an answer if need be.
    const cutOff = sluice.flows().filter(({ reason }) => reason !== 'done');
    expect(cutOff.every(({ reason }) => reason === 'client-reset')).toBe(true);
    expect(cutOff.length).toBeLessThanOrEqual(50);
  });
});

/** The largest resident size the process ever had, in bytes; undefined where there is no /proc. */
function peakMemory(pid: number): number | undefined {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line === null ? undefined : Number(line[1]) * 1024;
  } catch {
    return undefined;
  }
}

describe('one gigabyte arrives byte by byte, in bounded memory', () => {
  const blocks = 2 ** 30 / blockBytes;
  const memoryBound = 256 * 1024 * 1024;

  it.each(['download', 'upload'] as const)('%s', async (way) => {
    const received = new HashSink();
    let uploaded: () => void = () => undefined;
    const upload = new Promise<void>((resolve) => {
      uploaded = resolve;
    });
    const target = await listenTcp(scope, (socket) => {
      if (way === 'download') void pipeline(numberedBlocks(blocks), socket);
      else void pipeline(socket, received, { end: true }).then(uploaded);
    });
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    if (way === 'download') {
      client.end();
      await pipeline(client, received);
    } else {
      await pipeline(numberedBlocks(blocks), client);
      await withDeadline(upload, () => `${received.bytes} bytes came`);
    }
    expect(received.bytes).toBe(blocks * blockBytes);
    expect(received.digest()).toBe(hashOfBlocks(blocks));
    expect(peakMemory(sluice.pid) ?? 0).toBeLessThan(memoryBound);
  });
});

it('the same file comes through ten mappings of one mapping file', async () => {
  const content = Buffer.concat(await numberedBlocks(16).toArray());
  const target = await listenHttp((_request, response) => response.end(content));
  const path = join(temporaryFolder(scope), 'ten.json');
  const mappings = Array.from({ length: 10 }, (_, index) => ({
    name: `web-${index}`,
    to: '127.0.0.1',
    ports: [{ target, host_ip: '127.0.0.1' }],
  }));
  writeFileSync(path, JSON.stringify({ name: 'ten', mappings }));
  const sluice = await runSluice(scope, ['--config', path], 10);
  const answers = await Promise.all(
    sluice.published.map(async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
      return Buffer.from(await response.arrayBuffer());
    }),
  );
  expect(answers.every((answer) => answer.equals(content))).toBe(true);
  const flows = await sluice.flowsLogged(10);
  expect(new Set(flows.map(({ mapping }) => mapping)).size).toBe(10);
  expect(flows.every(({ instance }) => instance === 'ten')).toBe(true);
});

describe('a DNS server behind a UDP port', () => {
  const longText = Array.from({ length: 12 }, (_, index) => String(index % 10).repeat(100));

  function answerTo(query: dnsPacket.Packet): Buffer {
    const [question] = query.questions ?? [];
    const name = question?.name ?? '';
    const records: Record<string, dnsPacket.Answer> = {
      A: { type: 'A', name, data: '192.0.2.7' },
      AAAA: { type: 'AAAA', name, data: '2001:db8::7' },
      TXT: { type: 'TXT', name, data: [...longText] },
    };
    const answer = name === 'nowhere.example' ? undefined : records[question?.type ?? ''];
    return dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: dnsPacket.RECURSION_DESIRED | (answer === undefined ? 3 : 0),
      questions: query.questions ?? [],
      answers: answer === undefined ? [] : [answer],
    });
  }

  async function resolverThroughSluice(): Promise<dns.Resolver> {
    const server = await udpPeer(scope, '127.0.0.1', ({ datagram, from }, socket) =>
      socket.send(answerTo(dnsPacket.decode(datagram)), from.port, from.address),
    );
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${server.endpoint.port}/udp`, '127.0.0.1']);
    const resolver = new dns.Resolver({ timeout: 2_000, tries: 4 });
    resolver.setServers([`127.0.0.1:${sluice.port()}`]);
    return resolver;
  }

  it('answers A, AAAA, a large TXT and a name that does not exist', async () => {
    const resolver = await resolverThroughSluice();
    expect(await resolver.resolve4('web.example')).toEqual(['192.0.2.7']);
    expect(await resolver.resolve6('web.example')).toEqual(['2001:db8::7']);
    expect(await resolver.resolveTxt('web.example')).toEqual([longText]);
    await expect(resolver.resolve4('nowhere.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('answers two hundred queries at once', async () => {
    const resolver = await resolverThroughSluice();
    const names = Array.from({ length: 200 }, (_, index) => `host-${index}.example`);
    const answers = await Promise.all(names.map((name) => resolver.resolve4(name)));
    expect(answers).toEqual(names.map(() => ['192.0.2.7']));
  });
});

describe('targets', () => {
  it('a unix socket', async () => {
    const { address } = await tcpServer(scope, 'unix', echo);
    const path = address.kind === 'unix' ? address.path : '';
    const sluice = await runSluice(scope, ['-p', '127.0.0.1::80', `unix:${path}`]);
    expect(await exchange(await dial(scope, sluice.port()), 'through a unix socket')).toBe(
      'through a unix socket',
    );
    expect(await sluice.flowLogged()).toMatchObject({ target: `unix:${path}`, reason: 'done' });
  });

  it('a name', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, 'localhost']);
    expect(await exchange(await dial(scope, sluice.port()), 'by name')).toBe('by name');
    expect(await sluice.flowLogged()).toMatchObject({ mapping: 'localhost', reason: 'done' });
  });

  it('a name that does not resolve: said in a warning, and its flows are reset after their wait', async () => {
    const sluice = await runSluice(scope, ['--wait=500ms', '-p', '127.0.0.1::80', 'no-such-name.invalid']);
    const warning = await sluice.logged(({ level }) => level === 40);
    expect(warning['msg']).toMatch(/^cannot resolve no-such-name\.invalid: /);
    const client = await dial(scope, sluice.port());
    expect(await ending(client)).toBe('reset');
    const flow = await sluice.flowLogged();
    expect(flow).toMatchObject({ reason: 'target-unreachable', target: null });
    expect(flow['ms']).toBeGreaterThanOrEqual(499);
    const { msg } = await sluice.logged((record) => /^the target of /.test(String(record['msg'])));
    expect(msg).toMatch(/^the target of 127\.0\.0\.1:\d+ took no connection within 500ms: flows that waited/);
  });
});

describe('UDP through every address of the host', () => {
  async function echoed(host: string, port: number): Promise<string> {
    const client = await udpPeer(scope, host);
    client.send(`to ${host}`, endpointOf(host, port));
    const { datagram } = await withDeadline(client.next(), () => 'no datagram came back');
    return String(datagram);
  }

  it('is answered over IPv4 and, where the machine has it, IPv6', async () => {
    const target = await udpPeer(scope, '127.0.0.1', echoDatagram);
    const sluice = await runSluice(scope, ['-p', `${target.endpoint.port}/udp`, '127.0.0.1']);
    expect(await echoed('127.0.0.1', sluice.port())).toBe('to 127.0.0.1');
    if (sluice.published.length < 2) {
      console.warn('IPv6 is not tested: this machine has none');
      return;
    }
    expect(await echoed('::1', sluice.port(1))).toBe('to ::1');
  });
});

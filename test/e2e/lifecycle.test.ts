/** What is published, a start that fails, and the ways to stop. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, jest } from '@jest/globals';
import { numberedBlocks } from '../support/bytes.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { runSluice, sluiceOutput, spawnSluice } from '../support/sluice-process.js';
import {
  dial,
  dialError,
  echo,
  ending,
  endpointOf,
  exchange,
  listenTcp,
  recentlyFreePort,
} from '../support/tcp-peers.js';
import { udpPeer } from '../support/udp-peers.js';
import { withDeadline } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

/** Starts on ports that were free a moment ago, again where one of them was lost meanwhile. */
async function onFreePorts<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!/already allocated/.test(String(error))) throw error;
    }
  }
  return start();
}

/**
 * The first of `count` ports in a row that could be listened on a moment ago. That nobody answers a dial is not enough: a
 * client's port stays taken for a minute after its connection (TIME_WAIT).
 */
async function freeRange(count: number): Promise<number> {
  for (;;) {
    const first = await recentlyFreePort();
    const others = Array.from({ length: count - 1 }, (_, index) => first + 1 + index);
    if ((await Promise.all(others.map(canListen))).every(Boolean)) return first;
  }
}

async function canListen(port: number): Promise<boolean> {
  if (port > 65_535) return false;
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

describe('stdout says what is published, as docker port does', () => {
  it('for one address, TCP and UDP', async () => {
    const sluice = await onFreePorts(async () => {
      const port = await recentlyFreePort();
      const running = await runSluice(
        scope,
        ['-p', `127.0.0.1:${port}:80`, '-p', '127.0.0.1::53/udp', '::1'],
        2,
      );
      expect(running.published[0]?.text).toBe(`80/tcp -> 127.0.0.1:${port}`);
      return running;
    });
    expect(sluice.stdout).toMatch(/^80\/tcp -> 127\.0\.0\.1:\d+\n53\/udp -> 127\.0\.0\.1:\d+\n$/);
  });

  it('for every address: two lines with the same port', async () => {
    const sluice = await runSluice(scope, ['-p', '80', '::1']);
    const port = sluice.port();
    if (sluice.published.length < 2) console.warn('IPv6 is not tested: this machine has none');
    else expect(sluice.stdout).toBe(`80/tcp -> 0.0.0.0:${port}\n80/tcp -> [::]:${port}\n`);
  });

  it('for a range, and for a pool whose first port is taken', async () => {
    await onFreePorts(async () => {
      const first = await freeRange(3);
      const range = await runSluice(scope, ['-p', `127.0.0.1:${first}-${first + 1}:80-81`, '::1'], 2);
      expect(range.stdout).toBe(`80/tcp -> 127.0.0.1:${first}\n81/tcp -> 127.0.0.1:${first + 1}\n`);
      const pool = await runSluice(scope, ['-p', `127.0.0.1:${first}-${first + 2}:80`, '::1']);
      expect(pool.stdout).toBe(`80/tcp -> 127.0.0.1:${first + 2}\n`);
    });
  });
});

it('a start without all its ports fails with every failure in Docker’s words, and leaves nothing bound', async () => {
  const taken = await Promise.all([listenTcp(scope, echo), listenTcp(scope, echo)]);
  const free = await recentlyFreePort();
  const specs = [taken[0], free, taken[1]].flatMap((port) => ['-p', `127.0.0.1:${port}:80`]);
  const { code, stdout, stderr } = await sluiceOutput(scope, ['run', ...specs, '::1']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    `sluice: 2 ports cannot be published:
  Bind for 127.0.0.1:${taken[0]} failed: port is already allocated
  Bind for 127.0.0.1:${taken[1]} failed: port is already allocated
`,
  );
  const server = createServer().listen(free, '127.0.0.1');
  scope.onEnd(() => server.close());
  await once(server, 'listening');
});

describe('a stop signal', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s lets a download finish, and frees the port', async (signal) => {
    const blocks = 512;
    const target = await listenTcp(scope, (socket) => {
      numberedBlocks(blocks).pipe(socket);
      socket.resume();
    });
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    await once(client, 'readable');
    sluice.signal(signal);
    await sluice.logged((record) => record['signal'] === signal);
    expect(await dialError(scope, sluice.port())).toBe('ECONNREFUSED');
    client.end();
    const [received, sent] = await Promise.all([buffer(client), buffer(numberedBlocks(blocks))]);
    expect(received.equals(sent)).toBe(true);
    expect(await sluice.ended()).toEqual({ code: 0, signal: null });
    expect(sluice.flows().map(({ reason }) => reason)).toEqual(['done']);
  });

  it('resets what is stuck when the drain timeout ends', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, [
      '--drain-timeout=300ms',
      '-p',
      `127.0.0.1::${target}`,
      '127.0.0.1',
    ]);
    const client = await dial(scope, sluice.port());
    client.write('stuck');
    await once(client, 'data');
    sluice.signal('SIGTERM');
    expect(await ending(client)).toBe('reset');
    expect(await sluice.ended()).toEqual({ code: 0, signal: null });
    expect(sluice.flows().map(({ reason }) => reason)).toEqual(['drained']);
  });

  it('given a second time ends at once', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['--drain-timeout=10m', '-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    client.write('stuck');
    await once(client, 'data');
    sluice.signal('SIGTERM');
    await sluice.logged((record) => record['signal'] === 'SIGTERM');
    sluice.signal('SIGINT');
    expect(await ending(client)).toBe('reset');
    expect(await sluice.ended()).toEqual({ code: 0, signal: null });
    expect(sluice.flows().map(({ reason }) => reason)).toEqual(['drained']);
  });

  it.each([
    ['run', ['run', '-p', '127.0.0.1::9', '127.0.0.1']],
    ['demo', ['demo']],
  ])('given to %s again and again, to the last moment, still ends it as asked', async (_, argv) => {
    const sluice = spawnSluice(scope, argv);
    await sluice.printed(1);
    const signalOnceATurn = () => {
      sluice.signal('SIGTERM');
      sending = setImmediate(signalOnceATurn);
    };
    let sending = setImmediate(signalOnceATurn);
    scope.onEnd(() => clearImmediate(sending));
    expect(await sluice.ended()).toEqual({ code: 0, signal: null });
  });

  it('ends a start that waits for its resolver', async () => {
    const neverResolves =
      "import dns from 'node:dns/promises';import { syncBuiltinESMExports } from 'node:module';" +
      'dns.lookup = () => { process._rawDebug(\'{"looking":true}\');' +
      'return new Promise(() => setInterval(() => undefined, 1000)); };syncBuiltinESMExports();';
    const nodeOptions = ['--import', `data:text/javascript,${encodeURIComponent(neverResolves)}`];
    const sluice = spawnSluice(scope, ['run', '-p', '127.0.0.1::80', 'db.internal'], { nodeOptions });
    await sluice.logged(({ looking }) => looking === true);
    expect(await sluice.stop()).toEqual({ code: 0, signal: null });
    expect(sluice.stdout).toBe('');
    expect(sluice.records.at(-1)?.['msg']).toBe('stopped before everything was published');
  });
});

describe('a fault of its own that nothing has caught', () => {
  it.each([
    ['thrown', 'setImmediate(() => { throw fault })'],
    ['rejected', 'void Promise.reject(fault)'],
  ])('when %s, is told in one line and costs no flow', async (_, happen) => {
    const plant = join(temporaryFolder(scope), 'plant.cjs');
    writeFileSync(plant, `process.on('SIGUSR2', () => { const fault = new Error('planted'); ${happen}; })`);
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1'], 1, {
      nodeOptions: ['--require', plant],
    });
    const client = await dial(scope, sluice.port());
    process.kill(sluice.pid, 'SIGUSR2');
    const said = await sluice.logged(({ level }) => level === 50);
    expect(said['msg']).toMatch(
      /^a fault of its own, please report it: Error: planted at .*plant\.cjs:1:\d+\)?$/,
    );
    expect(await exchange(client, 'still here')).toBe('still here');
    expect(sluice.stderr).not.toContain('\n    at ');
  });
});

describe('the demo', () => {
  it('prints what to try, which works, and Ctrl-C ends it', async () => {
    const demo = spawnSluice(scope, ['demo']);
    await demo.said('Ctrl-C stops.\n');
    const [http, udp] = demo.published;
    expect(demo.stdout).toContain(`curl http://127.0.0.1:${http?.port}/\n`);
    expect(demo.stdout).toContain(`/dev/udp/127.0.0.1/${udp?.port};`);
    const url = `http://127.0.0.1:${http?.port}/`;
    const headers = { connection: 'close' };
    expect(await (await fetch(url, { headers })).text()).toMatch(/^Hello from behind sluice/);
    expect(await (await fetch(url, { method: 'POST', body: 'mirror', headers })).text()).toBe('mirror');
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('hello', endpointOf('127.0.0.1', udp?.port ?? 0));
    const { datagram } = await withDeadline(client.next(), () => 'no datagram came back');
    expect(String(datagram)).toBe('hello');
    await demo.flowsLogged(2, 'done');
    demo.signal('SIGINT');
    expect(await demo.ended()).toEqual({ code: 0, signal: null });
  });
});

it('a client that was answered stays answered while others come and go', async () => {
  const target = await listenTcp(scope, echo);
  const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
  const steady = await dial(scope, sluice.port());
  for (let count = 0; count < 20; count += 1) {
    expect(await exchange(await dial(scope, sluice.port()), 'come and go')).toBe('come and go');
  }
  expect(await exchange(steady, 'still here')).toBe('still here');
});

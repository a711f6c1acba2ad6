/** One record an ended flow, with the reason that the close table gives it. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { openFullDisk } from '../support/full-disk.js';
import { useScope } from '../support/scope.js';
import { silentTarget } from '../support/silent-target.js';
import { runSluice } from '../support/sluice-process.js';
import {
  dial,
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

describe('an access record', () => {
  it('tells mapping, client, published port, target, bytes, time and reason', async () => {
    const target = await listenTcp(scope, (socket) => {
      socket.resume();
      socket.end('good bye');
    });
    const sluice = await runSluice(scope, ['--name', 'edge', '-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    const from = client.localPort;
    expect(await exchange(client, 'hello')).toBe('good bye');
    expect(await sluice.flowLogged()).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      instance: 'edge',
      mapping: 'edge',
      protocol: 'tcp',
      client: `127.0.0.1:${from}`,
      published: `127.0.0.1:${sluice.port()}`,
      target: `127.0.0.1:${target}`,
      bytes_in: 5,
      bytes_out: 8,
      ms: expect.any(Number),
      reason: 'done',
      msg: 'flow ended',
    });
  });

  it.each([['--no-access-log'], ['--log-level=warn']])('is not written with %s', async (option) => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, [option, '-p', `127.0.0.1::${target}`, '127.0.0.1']);
    await exchange(await dial(scope, sluice.port()), 'hello');
    await sluice.stop();
    expect(sluice.flows()).toEqual([]);
    if (option === '--log-level=warn') expect(sluice.stderr).toBe('');
  });
});

describe('the reason of a flow’s end', () => {
  it('client-reset', async () => {
    const accepted: Socket[] = [];
    const target = await listenTcp(scope, (socket) => {
      accepted.push(socket);
      socket.write('hello');
    });
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    await once(client, 'data');
    client.resetAndDestroy();
    expect(await sluice.flowLogged()).toMatchObject({ reason: 'client-reset', failed: 'client' });
  });

  it('target-reset', async () => {
    const target = await listenTcp(scope, (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    const client = await dial(scope, sluice.port());
    client.write('hello');
    expect(await ending(client)).toBe('reset');
    expect(await sluice.flowLogged()).toMatchObject({ reason: 'target-reset', failed: 'target' });
  });

  it('target-refused', async () => {
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${await recentlyFreePort()}`, '127.0.0.1']);
    expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
    expect(await sluice.flowLogged()).toMatchObject({ reason: 'target-refused', error: 'ECONNREFUSED' });
  });

  it('connect-timeout', async () => {
    const { port } = await silentTarget(scope);
    const sluice = await runSluice(scope, [
      '--connect-timeout=200ms',
      '-p',
      `127.0.0.1::${port}`,
      '127.0.0.1',
    ]);
    expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
    const { reason, ms } = await sluice.flowLogged();
    expect(reason).toBe('connect-timeout');
    expect(Number(ms)).toBeGreaterThanOrEqual(199);
  });

  it('target-unreachable', async () => {
    const sluice = await runSluice(scope, ['-p', '127.0.0.1::80', '255.255.255.255']);
    expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
    expect(await sluice.flowLogged()).toMatchObject({ reason: 'target-unreachable', failed: 'target' });
  });

  it('idle-timeout', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, [
      '--idle-timeout=300ms',
      '-p',
      `127.0.0.1::${target}`,
      '127.0.0.1',
    ]);
    const client = await dial(scope, sluice.port());
    client.write('hello');
    expect(await ending(client)).toBe('reset');
    expect(await sluice.flowLogged()).toMatchObject({ reason: 'idle-timeout', bytes_in: 5, bytes_out: 5 });
  });

  it('expired, of a UDP client, while nothing but its time wakes the process', async () => {
    const target = await udpPeer(scope, '127.0.0.1');
    const sluice = await runSluice(scope, [
      '--udp-timeout=300ms',
      '-p',
      `127.0.0.1::${target.endpoint.port}/udp`,
      '127.0.0.1',
    ]);
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('hello', endpointOf('127.0.0.1', sluice.port()));
    const ended = await sluice.flowLogged();
    expect(ended).toMatchObject({ reason: 'expired', bytes_in: 5, bytes_out: 0 });
    // Some seconds later V8 tidies up, and wakes the process too.
    expect(ended['ms']).toBeLessThan(3_000);
  });
});

describe('a reader that does not read', () => {
  it('of stderr that goes away costs records only', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1'], 1, {
      stderrUnread: true,
    });
    sluice.child.stderr?.destroy();
    for (let count = 0; count < 5; count += 1) {
      expect(await exchange(await dial(scope, sluice.port()), 'still there')).toBe('still there');
    }
    expect(await sluice.stop()).toEqual({ code: 0, signal: null });
  });

  it('because the disk of stderr is full costs records only', async () => {
    const full = openFullDisk(scope);
    if (full === undefined) return;
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1'], 1, {
      stderrFile: full,
    });
    expect(await exchange(await dial(scope, sluice.port()), 'still there')).toBe('still there');
    expect(await sluice.stop()).toEqual({ code: 0, signal: null });
  });

  it('of stdout that goes away costs nothing', async () => {
    const target = await listenTcp(scope, echo);
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    sluice.child.stdout?.destroy();
    expect(await exchange(await dial(scope, sluice.port()), 'still there')).toBe('still there');
    expect(await sluice.stop()).toEqual({ code: 0, signal: null });
  });

  it('of stderr that hangs stops neither forwarding nor the end of the process', async () => {
    const target = await listenTcp(scope, echo);
    const mapping = { name: 'x'.repeat(8_000), to: '127.0.0.1', ports: [`127.0.0.1::${target}`] };
    const path = join(temporaryFolder(scope), 'mappings.json');
    writeFileSync(path, JSON.stringify({ mappings: [mapping] }));
    const sluice = await runSluice(scope, ['--config', path], 1, { stderrUnread: true });
    sluice.child.stderr?.pause();
    // Some 8 KB a record: far more than a pipe holds.
    for (let round = 0; round < 20; round += 1) {
      const echoes = Array.from({ length: 50 }, async () =>
        exchange(await dial(scope, sluice.port()), 'on and on'),
      );
      expect(new Set(await Promise.all(echoes))).toEqual(new Set(['on and on']));
    }
    sluice.signal('SIGTERM');
    const exit = once(sluice.child, 'exit');
    expect(await withDeadline(exit, () => 'it did not end')).toEqual([0, null]);
  });
});

/** A shard whose thread dies outright: none of its own code closes anything any more. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { ThreadShard } from '../../../src/engine/splice/thread-shard.js';
import { SOCK_STREAM } from '../../../src/sys/socket.js';
import { type Rig, startRig, testRoute } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { echoInside, networkNamespace, whyNoNamespaces } from '../../support/namespaces.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { type Scope, useScope } from '../../support/scope.js';
import { shardSetup } from '../../support/shards.js';
import { echo, ending, endpointOf, exchange, tcpClient, tcpServer } from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

const kinds = ['pipe', 'socket', 'net', 'anon_inode:[eventpoll]', 'anon_inode:[eventfd]'] as const;
type OpenFiles = Readonly<Record<(typeof kinds)[number], number>>;

/** How many of each kind this process has open. */
function openFiles(): OpenFiles {
  const links = readdirSync('/proc/self/fd').map(linkOf);
  const count = (kind: string) => links.filter((link) => link.replace(/:\[\d+\]$/, '') === kind).length;
  return Object.fromEntries(kinds.map((kind) => [kind, count(kind)])) as OpenFiles;
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // The one that listed the others.
    return '';
  }
}

/** The threads that are started from now on. */
function newThreads(scope: Scope): readonly Worker[] {
  const threads: Worker[] = [];
  const take = (message: unknown) => void threads.push((message as { readonly worker: Worker }).worker);
  subscribe('worker_threads', take);
  scope.onEnd(() => unsubscribe('worker_threads', take));
  return threads;
}

/** A rig of one thread, and the threads that it was given. */
function startThread(scope: Scope): { readonly rig: Rig; readonly threads: readonly Worker[] } {
  const threads = newThreads(scope);
  return { rig: startRig(scope, spliceEngine(1), { heldClock: false }), threads };
}

/** Has a client send for as long as anybody takes it. */
function sendWithoutEnd(client: Socket): Socket {
  const more = Buffer.alloc(1 << 20);
  const send = () => client.write(more, (error) => error ?? send());
  send();
  return client;
}

describeWhere(process.platform === 'linux', 'not Linux', 'a thread that dies', () => {
  const scope = useScope();

  test('while it moves bulk leaves no descriptor behind, and its flows end', async () => {
    const { rig, threads } = startThread(scope);
    const sink = await tcpServer(scope, '127.0.0.1', (socket) => socket.resume());
    const greets = await tcpServer(scope, '127.0.0.1', echo);
    const bulk = await rig.serve('tcp', '127.0.0.1', [sink.address]);
    const greeting = await rig.serve('tcp', '127.0.0.1', [greets.address]);
    const greet = () => exchange(tcpClient(scope, greeting.endpoint), 'hello');
    expect(await greet()).toBe('hello');
    await until('that flow to end', () => rig.ends.length === 1);
    const before = openFiles();
    const clients = Array.from({ length: 4 }, () => sendWithoutEnd(tcpClient(scope, bulk.endpoint)));
    await until('all to be accepted', () => sink.connections.length === clients.length);
    await until('a pipe', () => {
      // What piles up while nobody takes it is then read by full buffers, and so is bulk.
      for (const socket of sink.connections) socket.isPaused() ? socket.resume() : socket.pause();
      return openFiles().pipe > before.pipe;
    });
    for (const socket of sink.connections) socket.resume();
    const ended = Promise.all(clients.map(ending));
    await threads.at(-1)?.terminate();
    await ended;
    for (const socket of [...clients, ...sink.connections]) socket.destroy();
    expect(rig.troubles).toEqual([expect.stringMatching(/failed/)]);
    expect(await greet()).toBe('hello');
    let now = openFiles();
    await until('the sockets of all flows to be closed', () => {
      now = openFiles();
      // Those of the first flow may still have been on their way.
      return now.socket <= before.socket;
    });
    expect({ ...now, socket: before.socket }).toEqual(before);
  });
});

describeWhere(
  process.platform === 'linux',
  'not Linux',
  'a thread that dies before it has flows that it was sent',
  () => {
    const scope = useScope();

    test('takes their sockets with it', async () => {
      const raw = new RawSockets(scope);
      const threads = newThreads(scope);
      const [given, peer] = raw.pair(SOCK_STREAM);
      const died = new Promise<string>((resolve) => {
        const shard = new ThreadShard(shardSetup(), { report: () => undefined, died: resolve });
        shard.own([given]);
      });
      raw.disown(given);
      await threads.at(-1)?.terminate();
      expect(await died).toBe('its thread ended');
      expect(raw.recv(peer, 1)).toBe(0);
    });
  },
);

const why = whyNoNamespaces();

describeWhere(why === undefined, why ?? '', 'a thread that dies after a visit to a network namespace', () => {
  const scope = useScope();

  test('leaves its own namespace not open', async () => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, '127.0.0.1');
    const target: TargetAddress = { kind: 'ip', namespace: blue.path, ...endpointOf('127.0.0.1', port) };
    const before = openFiles();
    const { rig, threads } = startThread(scope);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [target]);
    expect(await exchange(tcpClient(scope, endpoint), 'hello')).toBe('hello');
    expect(openFiles().net).toBe(before.net + 1);
    const ended = threads.at(-1)?.terminate();
    // It sleeps, and has to come back from that first.
    service.setRoute({ ...testRoute, targets: [] });
    await ended;
    await until('it to be told', () => rig.troubles.length === 1);
    expect(openFiles().net).toBe(before.net);
  });
});

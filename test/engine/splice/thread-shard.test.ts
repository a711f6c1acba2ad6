/** A shard whose thread dies outright: none of its own code closes anything any more. */
import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { fixedShards } from '../../../src/engine/shard-plan.js';
import { OwnedDescriptors } from '../../../src/engine/splice/owned-descriptors.js';
import { SpliceEngine } from '../../../src/engine/splice/splice-engine.js';
import { SpliceService } from '../../../src/engine/splice/splice-service.js';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { ThreadShard } from '../../../src/engine/splice/thread-shard.js';
import { SOCK_STREAM } from '../../../src/sys/socket.js';
import { type Rig, startRig, testRoute } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { temporaryFolder } from '../../support/folder.js';
import { describeWhere } from '../../support/machine.js';
import { echoInside, networkNamespace, whyNoNamespaces } from '../../support/namespaces.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { type Scope, useScope } from '../../support/scope.js';
import { openFlowIn, shardSetup } from '../../support/shards.js';
import {
  echo,
  ending,
  endpointOf,
  exchange,
  keepBusy,
  tcpClient,
  tcpServer,
} from '../../support/tcp-peers.js';
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

/** In a thread koffi reports that it begins to look up functions, and takes a while to. */
const slowLookUpsProgram = `
  const Module = require('node:module');
  const { parentPort } = require('node:worker_threads');
  const load = Module._load;
  const slow = (koffi) => (path) => {
    const library = koffi.load(path);
    parentPort.postMessage({ kind: 'trouble' });
    const parameters = ['int', 'int64_t', 'int64_t', 'int'];
    for (let times = 0; times < 10_000; times += 1) library.func('recv', 'int64_t', parameters);
    return library;
  };
  Module._load = (name, ...rest) => {
    const loaded = load(name, ...rest);
    if (parentPort === null || !/koffi/.test(name)) return loaded;
    return Object.assign(Object.create(loaded), { load: slow(loaded) });
  };
`;

/** Ends the process as soon as a thread that it has started reports something. */
const endingProgram = `
  import { shardSetup } from '${new URL('../../support/shards.js', import.meta.url)}';
  import { ThreadShard } from '${new URL('../../../src/engine/splice/thread-shard.js', import.meta.url)}';
  const died = (cause) => {
    throw new Error(cause);
  };
  new ThreadShard(shardSetup(), { report: () => process.exit(0), died });
`;

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

describeWhere(process.platform === 'linux', 'not Linux', 'a thread that starts', () => {
  const scope = useScope();

  test('says that it is there once it has obeyed what it was sent before', async () => {
    const kinds: string[] = [];
    const shard = new ThreadShard(shardSetup(), {
      report: ({ kind }) => kinds.push(kind),
      died: () => undefined,
    });
    scope.onEnd(() => shard.stop());
    shard.send({ kind: 'tick', tick: 1 });
    await until('both', () => kinds.length === 2);
    expect(kinds).toEqual(['ticked', 'ready']);
  });

  test('does not take the process with it that ends meanwhile', () => {
    const folder = temporaryFolder(scope);
    const slowLookUps = join(folder, 'slow-look-ups.cjs');
    const program = join(folder, 'ends-while-a-thread-starts.mjs');
    writeFileSync(slowLookUps, slowLookUpsProgram);
    writeFileSync(program, endingProgram);
    const args = ['--require', slowLookUps, program];
    const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});

describeWhere(process.platform === 'linux', 'not Linux', 'flows that one thread gives another', () => {
  const scope = useScope();

  /** Busy flows of two threads, and how many each has. */
  async function busyThreads(flows: number) {
    const threads = newThreads(scope);
    const tcpFlows = new TcpFlowCounts();
    const rig = startRig(scope, spliceEngine(2, fixedShards(2), tcpFlows), { heldClock: false });
    // What an engine spreads by itself when they have come up would come between.
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    const server = await tcpServer(scope, '127.0.0.1', echo);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const { engine } = rig;
    if (!(service instanceof SpliceService && engine instanceof SpliceEngine))
      throw new Error('not the splice engine’s');
    const clients = new Set(Array.from({ length: flows }, () => tcpClient(scope, endpoint)));
    for (const client of clients) void ending(client).then(() => clients.delete(client));
    keepBusy([...clients]);
    const counts = () => [...new Int32Array(tcpFlows.memory).subarray(0, 2)] as [number, number];
    await until('all flows', () => counts()[0] + counts()[1] === flows);
    return { rig, service, threads, clients, counts, tick: () => engine.tick() };
  }

  test('end with the first where that dies before they are heard of', async () => {
    const raw = new RawSockets(scope);
    const threads = newThreads(scope);
    const setup = shardSetup();
    const counts = new Int32Array(setup.tcpFlowCounts);
    let died: string | undefined;
    const shard = new ThreadShard(setup, {
      report: () => undefined,
      died: (cause) => {
        died = cause;
      },
    });
    const [client, accepted] = await openFlowIn(shard, raw);
    shard.send({ kind: 'give', service: 1, oneIn: 1, to: 1 });
    // Without a turn of this thread's loop, in which it would be heard of.
    const givenUpMs = performance.now() + 10_000;
    while (Atomics.load(counts, 0) !== 0 && performance.now() < givenUpMs);
    expect(counts[0]).toBe(0);
    const ended = threads.at(-1)?.terminate();
    // It sleeps by now, and has to come back from that first.
    shard.send({ kind: 'tick', tick: 1 });
    await ended;
    await until('it to be told', () => died !== undefined);
    expect([raw.recv(client, 1), raw.recv(accepted, 1)]).toEqual([0, 0]);
  });

  test('end with the other where that dies before it has them', async () => {
    const raw = new RawSockets(scope);
    const threads = newThreads(scope);
    const [given, peer] = raw.pair(SOCK_STREAM);
    const setup = shardSetup();
    const died = new Promise<string>((resolve) => {
      new ThreadShard(setup, { report: () => undefined, died: resolve });
    });
    new OwnedDescriptors(setup.owned).add(given);
    raw.disown(given);
    await threads.at(-1)?.terminate();
    expect(await died).toBe('its thread ended');
    expect(raw.recv(peer, 1)).toBe(0);
  });

  test('end with the other where that dies after', async () => {
    const { service, threads, clients, counts, rig } = await busyThreads(12);
    const before = counts();
    const to = before[0] > before[1] ? 1 : 0;
    await until('some to arrive', () => {
      service.spreadTo(to);
      return counts()[to] > before[to];
    });
    await threads[to]?.terminate();
    await until('all that were there to end', () => clients.size === service.flowCount());
    expect(clients.size).toBeLessThan(before[1 - to] ?? 0);
    expect(rig.troubles).toEqual([expect.stringMatching(/failed/)]);
  });

  test('are not given to what takes the place of one that died', async () => {
    const { threads, counts, tick } = await busyThreads(12);
    const before = counts();
    const dead = before[1] > 0 ? 1 : 0;
    await threads[dead]?.terminate();
    await until('another in its place', () => threads.length === 3);
    const started = threads.at(-1);
    if (started !== undefined) await once(started, 'message');
    // It would be asked for, given and taken by then.
    for (let times = 0; times < 3; times += 1) await tick();
    expect(counts()[dead]).toBe(0);
    expect(counts()[1 - dead]).toBe(before[1 - dead]);
  });
});

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

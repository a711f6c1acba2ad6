/** A splice engine that starts with one shard, on the main thread, and takes on others while it is busy. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, jest, test } from '@jest/globals';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { type Rig, startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { type Scope, useScope } from '../../support/scope.js';
import {
  echo,
  endpointOf,
  exchange,
  keepBusy,
  readAll,
  readExactly,
  tcpClient,
  tcpServer,
} from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

jest.setTimeout(60_000);

const asNeeded = spliceEngine(0, { threads: 0, most: 2 });
const start = (scope: Scope, maxFlows = 100_000) => startRig(scope, asNeeded, { maxFlows, heldClock: false });

/** Keeps it busy with these until it has a second shard. */
async function grow(rig: Rig, clients: readonly Socket[]): Promise<void> {
  const rest = keepBusy(clients);
  await until('a second shard', () => rig.growth.length > 0);
  rest();
}

async function busyFlows(scope: Scope, rig: Rig, count: number) {
  const server = await tcpServer(scope, '127.0.0.1', echo);
  const served = await rig.serve('tcp', '127.0.0.1', [server.address]);
  const clients = Array.from({ length: count }, () => tcpClient(scope, served.endpoint));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  return { ...served, server, clients };
}

/** An echo server and a client on a thread of their own, which go on while the main thread does nothing. */
const peersOnAnotherThread = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { connect, createServer } = require('node:net');
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', (port) => {
    const client = connect(port, '127.0.0.1', () => client.write('hello'));
    client.once('data', (data) => {
      Atomics.store(workerData, 0, String(data) === 'hello' ? 1 : 2);
      Atomics.notify(workerData, 0);
      client.destroy();
    });
  });
`;

describeWhere(process.platform === 'linux', 'not Linux', 'while the main thread’s shard is busy', () => {
  const scope = useScope();

  test('another one takes connections: also those that come while the main thread has no time', async () => {
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const peers = new Worker(peersOnAnotherThread, { eval: true, workerData: answered });
    scope.onEnd(async () => void (await peers.terminate()));
    const [port] = (await once(peers, 'message')) as [number];
    const rig = start(scope);
    const target = { kind: 'ip', ...endpointOf('127.0.0.1', port) } as const;
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [target]);
    const { clients } = await busyFlows(scope, rig, 8);
    await grow(rig, clients);
    expect(rig.growth).toEqual(['the thread that forwards is busy: there are 2 now']);
    const early = tcpClient(scope, endpoint);
    expect(await exchange(early, 'ready')).toBe('ready');
    peers.postMessage(endpoint.port);
    expect(Atomics.wait(answered, 0, 0, 20_000)).not.toBe('timed-out');
    expect(answered[0]).toBe(1);
    early.end();
    await until('both flows to be counted', () => service.counters().flowsEnded === 2);
    expect(service.counters()).toMatchObject({ flowsOpened: 2, bytesIn: 10, bytesOut: 10 });
    expect(rig.troubles).toEqual([]);
  });

  test('the other one takes its part of the busy flows, which go on where they were', async () => {
    const tcpFlows = new TcpFlowCounts();
    const under = spliceEngine(0, { threads: 0, most: 2 }, tcpFlows);
    const rig = startRig(scope, under, { heldClock: false });
    const { clients, service } = await busyFlows(scope, rig, 8);
    const received = clients.map(() => 0);
    for (const [index, client] of clients.entries()) {
      client.on('data', (data) => {
        received[index] = (received[index] ?? 0) + data.length;
      });
    }
    const rest = keepBusy(clients);
    const taken = () => new Int32Array(tcpFlows.memory)[1] ?? 0;
    await until('the other to have some', () => taken() > 0);
    const reached = [...received];
    await until('all to go on', () => received.every((count, index) => count > (reached[index] ?? 0) + 10));
    rest();
    expect(taken()).toBeLessThanOrEqual(clients.length / 2);
    expect(rig.engine.flowCount()).toBe(clients.length);
    const drained = service.drain();
    const ends = Promise.all(clients.map((client) => once(client, 'end')));
    for (const client of clients) client.end();
    await Promise.all([drained, ends]);
    await until('all ends', () => rig.ends.length === clients.length);
    expect(rig.ends.map(({ reason }) => reason)).toEqual(clients.map(() => 'done'));
    const bytes = received.reduce((sum, count) => sum + count, 0);
    expect(service.counters()).toMatchObject({
      flowsOpened: 8,
      flowsEnded: 8,
      bytesIn: bytes,
      bytesOut: bytes,
    });
    expect(rig.ends.reduce((sum, { bytesIn }) => sum + bytesIn, 0)).toBe(bytes);
    expect(rig.troubles).toEqual([]);
  });

  test('a small bound on flows stays exact, since that listener is not shared', async () => {
    const rig = start(scope);
    const { clients, server } = await busyFlows(scope, rig, 8);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address], { maxFlows: 2 });
    const [first, second] = [tcpClient(scope, endpoint), tcpClient(scope, endpoint)];
    first.write('first');
    expect((await readExactly(first, 5)).toString()).toBe('first');
    await grow(rig, clients);
    second.write('second');
    expect((await readExactly(second, 6)).toString()).toBe('second');
    const third = tcpClient(scope, endpoint);
    await once(third, 'connect');
    third.end('third');
    // It is in the kernel's queue by now, and nobody takes it while others come and go elsewhere.
    const other = await rig.serve('tcp', '127.0.0.1', [server.address]);
    for (let round = 0; round < 20; round += 1) {
      const client = tcpClient(scope, other.endpoint);
      client.end('other');
      expect((await readAll(client)).toString()).toBe('other');
    }
    expect(service.counters().flowsOpened).toBe(2);
    first.end();
    expect((await readAll(third)).toString()).toBe('third');
    second.end();
    await until('all to end', () => service.counters().flowsEnded === 3);
  });

  test('what is published later is served by both', async () => {
    const rig = start(scope);
    const { clients, server } = await busyFlows(scope, rig, 8);
    await grow(rig, clients);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const later = Array.from({ length: 40 }, () => tcpClient(scope, endpoint));
    for (const client of later) client.end('later');
    expect(await Promise.all(later.map(async (client) => (await readAll(client)).toString()))).toEqual(
      later.map(() => 'later'),
    );
    await service.drain();
  });
});

describeWhere(process.platform === 'linux', 'not Linux', 'no shard is added', () => {
  const scope = useScope();

  test('where its share of the descriptors would be less than the flows there are', async () => {
    const rig = start(scope, 12);
    const { clients } = await busyFlows(scope, rig, 8);
    const rest = keepBusy(clients);
    let passed = 0;
    clients[0]?.on('data', () => {
      passed += 1;
    });
    // Several windows' worth: the engine was told of a busy shard more than once.
    const startedMs = performance.now();
    await until('some windows of work', () => performance.now() - startedMs > 1_000 && passed > 100);
    rest();
    expect(rig.growth).toEqual([]);
  });
});

/** What the splice engine must bear that the conformance suite, which both engines pass, cannot ask for. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { Endpoint } from '../../../src/address/endpoint.js';
import { limits } from '../../../src/limits.js';
import { descriptorBinder } from '../../../src/listener/descriptor-binder.js';
import { EPOLLET, EPOLLIN, EPOLLRDHUP } from '../../../src/sys/epoll.js';
import { checked } from '../../../src/sys/errno.js';
import { mapRegion, unmapRegion } from '../../../src/sys/mman.js';
import { sockaddrBytes, writeSockaddr } from '../../../src/sys/sockaddr.js';
import {
  AF_INET,
  MSG_MORE,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  socketCalls,
} from '../../../src/sys/socket.js';
import { unistd } from '../../../src/sys/unistd.js';
import { openFlow, startRig, testRoute } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import {
  dialError,
  echo,
  ending,
  endpointOf,
  exchange,
  hashAll,
  readAll,
  readExactly,
  sendPattern,
  tcpClient,
  tcpServer,
} from '../../support/tcp-peers.js';
import { udpPeer } from '../../support/udp-peers.js';
import { until } from '../../support/until.js';

const scope = useScope();
const MSG_OOB = 1;
const waitMs = 10_000;

/** No address is like this: a shard throws as it takes the route. */
const routeOfNonsense = {
  ...testRoute,
  targets: [{ kind: 'ip', ip: { family: 4, text: 7 } as unknown as Endpoint['ip'], port: 1 } as const],
};

describe('urgent data', () => {
  test.each([0, 600_000])('in a stream that had %d bytes before costs nothing but itself', async (bulk) => {
    const rig = startRig(scope, spliceEngine(1));
    const server = await tcpServer(scope, '127.0.0.1');
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const calls = { ...socketCalls(), ...unistd() };
    const region = mapRegion(1 << 20);
    scope.onEnd(() => unmapRegion(region));
    const bytes = new Uint8Array(region.buffer).fill(7);
    const descriptor = checked('socket', calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    scope.onEnd(() => calls.close(descriptor));
    const length = writeSockaddr(bytes, 0, { ...endpoint.ip, port: endpoint.port });
    checked('connect', calls.connect(descriptor, region.address, length));
    const accepted = await server.next();
    let received = 0;
    accepted.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    const data = region.address + sockaddrBytes;
    // Not reading at the shard's pace is what makes it splice, and find the urgent byte behind the rest.
    for (let sent = 0; sent < bulk; ) sent += checked('send', calls.send(descriptor, data, bulk - sent, 0));
    checked('send', calls.send(descriptor, data, 1, MSG_OOB));
    checked('send', calls.send(descriptor, data, 5_000, 0));
    calls.shutdown(descriptor, SHUT_WR);
    await once(accepted, 'end');
    expect(received).toBe(bulk + 5_000);
  });
});

describe('a side that ends', () => {
  test('has its last bytes passed on together with its FIN, in one segment', async () => {
    const raw = new RawSockets(scope);
    const listener = raw.listener(SOCK_STREAM);
    const rig = startRig(scope, spliceEngine(1));
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [
      { kind: 'ip', ...endpointOf('127.0.0.1', listener.port) },
    ]);
    const epoll = raw.epoll();
    const client = raw.socket(AF_INET, SOCK_STREAM);
    raw.connect(client, endpoint.port);
    raw.watch(epoll, listener.descriptor, EPOLLIN | EPOLLET);
    expect(raw.events(epoll, waitMs)).toBe(EPOLLIN);
    const target = raw.accept(listener.descriptor);
    const before = raw.segmentsReceived(client);
    // Together, so that the shard finds both when it looks.
    expect(raw.send(target, 100, MSG_MORE)).toBe(100);
    raw.sys.shutdown(target, SHUT_WR);
    raw.watch(epoll, client, EPOLLRDHUP);
    expect(raw.events(epoll, waitMs)).toBe(EPOLLRDHUP);
    expect(raw.recv(client, 200)).toBe(100);
    expect(raw.recv(client, 200)).toBe(0);
    expect(raw.segmentsReceived(client) - before).toBe(1);
  });
});

describe('a side that sent bulk', () => {
  test('and resets is told of as a reset, not as an end', async () => {
    const { rig, client, accepted } = await openFlow(
      scope,
      startRig(scope, spliceEngine(1)),
      '127.0.0.1',
      '127.0.0.1',
    );
    const bulk = 4 << 20;
    accepted.write(Buffer.alloc(bulk));
    await readExactly(client, bulk);
    const seen = ending(client);
    accepted.resetAndDestroy();
    expect(await seen).toBe('reset');
    expect(await rig.nextEnd()).toMatchObject({ reason: 'target-reset' });
  });
});

describe('UDP at the bound', () => {
  test('a new client in the same batch does not cost the one before it its datagram, or its end', async () => {
    const rig = startRig(scope, spliceEngine(1));
    const target = await udpPeer(scope, '127.0.0.1');
    const listener = await descriptorBinder().bind('udp', endpointOf('127.0.0.1', 0));
    const { endpoint } = listener;
    // All in the listener's queue before anybody reads it.
    const clients = Array.from({ length: 8 }, () => createSocket('udp4'));
    for (const [index, client] of clients.entries()) {
      scope.onEnd(() => client.close());
      await new Promise((sent) => client.send(`${index}`, endpoint.port, endpoint.ip.text, sent));
    }
    const service = rig.engine.serve(listener, { ...testRoute, targets: [target.address], maxFlows: 1 }, 0);
    await until('every datagram to arrive', () => target.received.length === clients.length);
    expect(target.received.map(({ datagram }) => datagram.toString()).sort()).toEqual([...'01234567']);
    await until('seven ends', () => rig.ends.length === 7);
    await rig.clock.advance(1_000_000);
    await until('all ends', () => rig.ends.length >= 8);
    expect(service.counters()).toMatchObject({ flowsOpened: 8, flowsEnded: 8, associationsEvicted: 7 });
    expect(rig.engine.flowCount()).toBe(0);
  });
});

describe('a shard full of flows', () => {
  test('takes connections of one listener when a flow of another has ended', async () => {
    const rig = startRig(scope, spliceEngine(1), { maxFlows: 1 });
    const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
    const first = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const second = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const holder = tcpClient(scope, first.endpoint);
    await until('the flow that fills it', () => rig.engine.flowCount() === 1);
    const waiting = tcpClient(scope, second.endpoint);
    waiting.write('in');
    await until('the bound to be met', () => second.service.counters().flowsOverLimit === 1);
    holder.end();
    expect((await readExactly(waiting, 2)).toString()).toBe('in');
  });
});

describe('a listener at its bound', () => {
  test('has that counted once, however often its route changes meanwhile', async () => {
    const rig = startRig(scope, spliceEngine(1));
    const server = await tcpServer(scope, '127.0.0.1', echo);
    const route = { ...testRoute, targets: [server.address], maxFlows: 1 };
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', route.targets, route);
    const holder = tcpClient(scope, endpoint);
    await once(holder, 'connect');
    const waiting = tcpClient(scope, endpoint);
    await once(waiting, 'connect');
    await until('the bound to be met', () => service.counters().flowsOverLimit === 1);
    for (let changes = 0; changes < 5; changes += 1) {
      service.setRoute(route);
      await rig.clock.advance(1);
    }
    expect(service.counters().flowsOverLimit).toBe(1);
    holder.end();
    expect(await exchange(waiting, 'in')).toBe('in');
    const another = tcpClient(scope, endpoint);
    service.setRoute({ ...route, maxFlows: 2 });
    expect(await exchange(another, 'room')).toBe('room');
  });
});

describe('a process with few descriptors', () => {
  const pipeEnds = () =>
    readdirSync('/proc/self/fd').filter((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('pipe:');
      } catch {
        // Closed since it was listed.
        return false;
      }
    }).length;

  test('has a pipe for one flow in eight, and the others copy what they have to carry', async () => {
    const rig = startRig(scope, spliceEngine(1), { maxFlows: 18 });
    const server = await tcpServer(scope, '127.0.0.1', echo);
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    // The thread's own loop has a pipe too: it is there once the thread has answered.
    expect(await exchange(tcpClient(scope, endpoint), 'ready')).toBe('ready');
    const before = pipeEnds();
    let mostEnds = 0;
    const flows = Array.from({ length: 6 }, async () => {
      const client = tcpClient(scope, endpoint);
      client.on('data', () => {
        mostEnds = Math.max(mostEnds, pipeEnds() - before);
      });
      const received = hashAll(client);
      return (await sendPattern(client, 8)) === (await received);
    });
    expect(new Set(await Promise.all(flows))).toEqual(new Set([true]));
    // Two of the eighteen pairs of descriptors are for pipes.
    expect(mostEnds).toBe(4);
  });
});

describe('many shards', () => {
  test('put one listener on the end of the process, and take it away when the last has stopped', async () => {
    const before = process.listenerCount('exit');
    const rig = startRig(scope, spliceEngine(12));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await rig.engine.close();
    expect(process.listenerCount('exit')).toBe(before);
  });

  test('take together as many flows of a listener as its bound says, also where that is odd', async () => {
    const rig = startRig(scope, spliceEngine(2));
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [], { waitMs, maxFlows: 129 });
    for (let count = 0; count < 140; count += 1) tcpClient(scope, endpoint);
    await until('both to be full', () => service.counters().flowsOverLimit === 2);
    expect(rig.engine.flowCount()).toBe(129);
  });
});

describe.each([0, 1])('with %d threads, a shard that fails', (shards) => {
  test('ends its flows, says why, and its listeners are served by another', async () => {
    const rig = startRig(scope, spliceEngine(shards));
    const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const broken = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const client = tcpClient(scope, endpoint);
    client.write('x');
    await readExactly(client, 1);
    const [accepted] = server.connections;
    if (accepted === undefined) throw new Error('unreachable');
    const seen = Promise.all([ending(client), ending(accepted)]);
    broken.service.setRoute(routeOfNonsense);
    expect(await seen).toEqual(['reset', 'reset']);
    await until('the failure to be told', () => rig.troubles.length > 0);
    expect(rig.troubles[0]).toMatch(/failed.*1 flows were lost: TypeError.*$/);
    expect(await rig.nextEnd()).toMatchObject({ reason: 'internal-error' });
    const next = tcpClient(scope, endpoint);
    next.end('again');
    expect((await readAll(next)).toString()).toBe('again');
    // The new shard cannot take that route either, and that costs nobody else anything.
    await until('the broken one to be given up', () => rig.troubles.length === 3);
    expect(rig.troubles.slice(1)).toEqual([
      expect.stringMatching(/cannot be served: TypeError.*it is tried again$/),
      expect.stringMatching(/cannot be served: TypeError.*it is given up$/),
    ]);
    expect(await dialError(scope, broken.endpoint.port)).toBe('ECONNREFUSED');
    await Promise.all([service.drain(), broken.service.drain()]);
  });

  test('too often is down for a while, and what is published meanwhile can be drained and closed', async () => {
    const rig = startRig(scope, spliceEngine(shards));
    const failures = () => rig.troubles.filter((trouble) => trouble.startsWith('a shard failed')).length;
    while (failures() <= limits.shardRestarts) {
      const before = failures();
      const { service } = await rig.serve('tcp', '127.0.0.1', []);
      service.setRoute(routeOfNonsense);
      await until('it to fail', () => failures() > before);
    }
    const [drained, closed] = [
      await rig.serve('tcp', '127.0.0.1', []),
      await rig.serve('udp', '127.0.0.1', []),
    ];
    await Promise.all([drained.service.drain(), closed.service.close()]);
    expect(await dialError(scope, drained.endpoint.port)).toBe('ECONNREFUSED');
  });
});

test.each([0, 1])(
  'with %d threads, a flow that fails as it begins is ended, and no other',
  async (shards) => {
    const rig = startRig(scope, spliceEngine(shards));
    const server = await tcpServer(scope, '127.0.0.1', echo);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const known = tcpClient(scope, endpoint);
    known.write('known');
    await readExactly(known, 5);
    // No time is like this: the flow throws as it sets its timer.
    const nonsense = 1n as unknown as number;
    service.setRoute({ ...testRoute, targets: [server.address], connectTimeoutMs: nonsense });
    await rig.clock.advance(1);
    expect(await ending(tcpClient(scope, endpoint))).toBe('reset');
    await rig.clock.advance(1);
    expect(await rig.nextEnd()).toMatchObject({ reason: 'internal-error' });
    expect(rig.troubles).toEqual([expect.stringMatching(/^a flow failed: TypeError/)]);
    expect(rig.engine.flowCount()).toBe(1);
    service.setRoute({ ...testRoute, targets: [server.address] });
    await rig.clock.advance(1);
    expect(await exchange(tcpClient(scope, endpoint), 'again')).toBe('again');
    known.end();
    await service.drain();
  },
);

test.each([0, 1])(
  'with %d threads, an association that fails as it begins is ended, and no other',
  async (shards) => {
    const rig = startRig(scope, spliceEngine(shards));
    const target = await udpPeer(scope, '127.0.0.1');
    const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [target.address]);
    const [known, unlucky] = [await udpPeer(scope, '127.0.0.1'), await udpPeer(scope, '127.0.0.1')];
    known.send('known', endpoint);
    await target.next();
    // No time is like this: keeping a datagram until then throws.
    service.setRoute({ ...testRoute, targets: [], waitMs: 1n as unknown as number });
    await rig.clock.advance(1);
    unlucky.send('unlucky', endpoint);
    await until('the fault to be told', () => rig.troubles.length === 1);
    await rig.clock.advance(1);
    expect(await rig.nextEnd()).toMatchObject({ reason: 'internal-error' });
    expect(rig.troubles).toEqual([expect.stringMatching(/^an association failed: TypeError/)]);
    known.send('again', endpoint);
    await target.next();
    expect(rig.engine.flowCount()).toBe(1);
  },
);

describe.each(['tcp', 'udp'] as const)('a listener on %s that cannot be watched', (protocol) => {
  /** A listener whose number leads nowhere, the first so many times it is asked for. */
  async function listenerThatFails(times: number) {
    const listener = await descriptorBinder().bind(protocol, endpointOf('127.0.0.1', 0));
    let asked = 0;
    const broken = {
      ...listener,
      get descriptor() {
        asked += 1;
        return asked <= times ? 1_000_000 : listener.descriptor;
      },
    };
    return { broken, endpoint: listener.endpoint };
  }

  test('for a while is served when it can be, and costs the flows beside it nothing', async () => {
    const { rig, client, accepted } = await openFlow(
      scope,
      startRig(scope, spliceEngine(1)),
      '127.0.0.1',
      '127.0.0.1',
    );
    const target = await (protocol === 'tcp' ? tcpServer : udpPeer)(scope, '127.0.0.1');
    const { broken, endpoint } = await listenerThatFails(2);
    const service = rig.engine.serve(broken, { ...testRoute, targets: [target.address] }, 77);
    if (protocol === 'tcp') tcpClient(scope, endpoint);
    else (await udpPeer(scope, '127.0.0.1')).send('patience', endpoint);
    await until('it to be served', () => service.counters().flowsOpened === 1);
    expect(rig.troubles).toEqual([
      expect.stringMatching(`${protocol} cannot be served: .*EBADF.*tried again$`),
    ]);
    client.write('y');
    expect((await readExactly(accepted, 1)).toString()).toBe('y');
  });

  test('by any of its threads is tried by each as often', async () => {
    const rig = startRig(scope, spliceEngine(2));
    const target = await (protocol === 'tcp' ? tcpServer : udpPeer)(scope, '127.0.0.1');
    const threads = protocol === 'tcp' ? 2 : 1;
    const { broken, endpoint } = await listenerThatFails(threads * (limits.serveTries - 1));
    const service = rig.engine.serve(broken, { ...testRoute, targets: [target.address] }, 77);
    if (protocol === 'tcp') tcpClient(scope, endpoint);
    else (await udpPeer(scope, '127.0.0.1')).send('patience', endpoint);
    await until('it to be served', () => service.counters().flowsOpened === 1);
    expect(rig.troubles).toHaveLength(threads);
    expect(rig.troubles.every((trouble) => trouble.endsWith('it is tried again'))).toBe(true);
  });

  test('ever is given up, and its service can be drained all the same', async () => {
    const rig = startRig(scope, spliceEngine(1));
    const { broken } = await listenerThatFails(Number.POSITIVE_INFINITY);
    const service = rig.engine.serve(broken, { ...testRoute, targets: [] }, 77);
    await until('it to be given up', () => rig.troubles.length === 2);
    expect(rig.troubles[1]).toMatch(/given up$/);
    await service.drain();
  });
});

/** Real sockets, on loopback addresses and ports of the kernel's choice. */
import { createSocket, Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, Server, type Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import type { Listener } from '../../src/engine/engine.js';
import type { StreamTcpListener, StreamUdpListener } from '../../src/engine/stream/stream-listener.js';
import { limits } from '../../src/limits.js';
import { bindAll } from '../../src/listener/bind-all.js';
import { nodeBinder } from '../../src/listener/node-binder.js';
import { hasIpv6 } from '../support/machine.js';
import { mappingsOf } from '../support/mappings.js';
import { useScope } from '../support/scope.js';
import { dial } from '../support/tcp-peers.js';
import { rejectionOf } from '../support/thrown.js';

const loopback4 = { family: 4, text: '127.0.0.1' } as const;
const loopback6 = { family: 6, text: '::1' } as const;

const loopbacks = hasIpv6 ? [loopback4, loopback6] : [loopback4];

const scope = useScope();

async function bound<L extends Listener>(listening: Promise<L>): Promise<L> {
  const listener = await listening;
  scope.onEnd(() => listener.close());
  return listener;
}

const bindTcp = (ip: typeof loopback4 | typeof loopback6, port = 0) =>
  bound(nodeBinder.bind('tcp', { ip, port }) as Promise<StreamTcpListener>);
const bindUdp = (ip: typeof loopback4 | typeof loopback6, port = 0) =>
  bound(nodeBinder.bind('udp', { ip, port }) as Promise<StreamUdpListener>);

const connected = (port: number, host?: string) => dial(scope, port, host);

function accepting(listener: StreamTcpListener, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  return new Promise((resolve) => {
    listener.accept((socket) => {
      scope.onEnd(() => socket.destroy());
      sockets.push(socket);
      if (sockets.length === count) resolve(sockets);
    });
  });
}

function receiving(listener: StreamUdpListener, count: number): Promise<string[]> {
  const texts: string[] = [];
  return new Promise((resolve) => {
    listener.receive((datagram) => {
      texts.push(datagram.toString());
      if (texts.length === count) resolve(texts);
    });
  });
}

async function sendDatagrams(port: number, texts: readonly string[]): Promise<void> {
  const client = createSocket('udp4');
  scope.onEnd(() => new Promise<void>((resolve) => client.close(() => resolve())));
  for (const text of texts) {
    await new Promise<void>((resolve) => {
      client.send(text, port, '127.0.0.1', () => resolve());
    });
  }
}

/** Passes through the event loop's phases until the kernel's events so far have been handled. */
async function loopTurns(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a bound listener', () => {
  it.each(loopbacks)('says which port the kernel chose, on $text', async (ip) => {
    for (const listener of [await bindTcp(ip), await bindUdp(ip)]) {
      expect(listener.endpoint).toEqual({ ip, port: expect.any(Number) });
      expect(listener.endpoint.port).toBeGreaterThan(0);
    }
  });

  it('that was bound and cannot be set up leaves nothing bound', async () => {
    const noBuffer = new Error('Could not get or set buffer size: bad file descriptor');
    const setUp = jest.spyOn(UdpSocket.prototype, 'setRecvBufferSize').mockImplementationOnce(() => {
      throw noBuffer;
    });
    const close = jest.spyOn(UdpSocket.prototype, 'close');
    scope.onEnd(() => jest.restoreAllMocks());
    await expect(nodeBinder.bind('udp', { ip: loopback4, port: 0 })).rejects.toBe(noBuffer);
    expect([setUp.mock.calls.length, close.mock.calls.length]).toEqual([1, 1]);
  });

  it.each(['tcp', 'udp'] as const)('has its %s port alone, until it is closed', async (protocol) => {
    const first = await nodeBinder.bind(protocol, { ip: loopback4, port: 0 });
    await expect(nodeBinder.bind(protocol, first.endpoint)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.close();
    const second = await nodeBinder.bind(protocol, first.endpoint);
    await second.close();
    expect(second.endpoint).toEqual(first.endpoint);
  });

  it('outlives an accept that fails', async () => {
    const listener = await bindTcp(loopback4);
    const clients = [await connected(listener.endpoint.port)];
    const sockets: Socket[] = [];
    const accepted = new Promise<void>((resolve) => {
      listener.accept((socket) => {
        scope.onEnd(() => socket.destroy());
        sockets.push(socket);
        // What Node does with an errno of accept(2), on a server that nothing outside the binder can reach.
        const server: unknown = Reflect.get(socket, 'server');
        if (sockets.length === 1 && server instanceof Server)
          server.emit('error', new Error('accept ENOBUFS'));
        if (sockets.length === 2) resolve();
      });
    });
    clients.push(await connected(listener.endpoint.port));
    await accepted;
    expect(sockets.map(({ remotePort }) => remotePort)).toEqual(clients.map(({ localPort }) => localPort));
  });
});

describe('connections made before anybody accepts', () => {
  it('are handed over in order, with what they sent', async () => {
    const listener = await bindTcp(loopback4);
    const first = await connected(listener.endpoint.port);
    const second = await connected(listener.endpoint.port);
    first.end('one');
    second.end('two');
    const [one, two] = await accepting(listener, 2);
    const ports = [one?.remotePort, two?.remotePort];
    expect(ports).toEqual([first.localPort, second.localPort]);
    const texts = [one, two].map(async (socket) => {
      const [data] = await once(socket?.resume() ?? first, 'data');
      return String(data);
    });
    expect(await Promise.all(texts)).toEqual(['one', 'two']);
  });

  it('are paused, so that the kernel holds what they send', async () => {
    const listener = await bindTcp(loopback4);
    const accepted = accepting(listener, 1);
    await connected(listener.endpoint.port);
    const [socket] = await accepted;
    expect(socket?.isPaused()).toBe(true);
    expect(socket?.allowHalfOpen).toBe(true);
  });

  it('are reset where nobody ever accepts', async () => {
    const listener = await nodeBinder.bind('tcp', { ip: loopback4, port: 0 });
    const client = connect({ port: listener.endpoint.port, host: '127.0.0.1' });
    const reset = new Promise((resolve) => {
      client.on('error', resolve);
    });
    await once(client, 'connect');
    client.resume();
    await new Promise((resolve) => setImmediate(resolve));
    await listener.close();
    expect(await reset).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('datagrams that come before anybody receives', () => {
  it('are handed over in order, later ones after them', async () => {
    const listener = await bindUdp(loopback4);
    await sendDatagrams(listener.endpoint.port, ['a', '', 'c']);
    const received = receiving(listener, 4);
    await sendDatagrams(listener.endpoint.port, ['d']);
    expect(await received).toEqual(['a', '', 'c', 'd']);
  });

  it('are bounded, and those past the bound counted', async () => {
    const listener = await bindUdp(loopback4);
    const texts = Array.from({ length: limits.earlyArrivals + 3 }, (_, index) => String(index));
    await sendDatagrams(listener.endpoint.port, texts);
    await loopTurns(() => listener.earlyArrivalsDropped === 3);
    expect(await receiving(listener, limits.earlyArrivals)).toEqual(texts.slice(0, limits.earlyArrivals));
  });
});

describe('bindAll on this machine', () => {
  it('binds many ports, each another', async () => {
    const all = await bindAll(nodeBinder, mappingsOf('127.0.0.1::80-119', '127.0.0.1::80-119/udp'));
    const listeners = all.flatMap((mapping) => mapping.listeners);
    for (const listener of listeners) scope.onEnd(() => listener.close());
    expect(new Set(listeners.map(({ protocol, endpoint }) => `${protocol} ${endpoint.port}`)).size).toBe(80);
  });

  it.each(['tcp', 'udp'] as const)(
    'binds a free %s port on 0.0.0.0 and, where the machine has IPv6, on [::] too',
    async (protocol) => {
      const [mapping] = await bindAll(nodeBinder, mappingsOf(`80/${protocol}`));
      for (const listener of mapping?.listeners ?? []) scope.onEnd(() => listener.close());
      const endpoints = mapping?.listeners.map(({ endpoint }) => endpoint) ?? [];
      const addresses = endpoints.map(({ ip }) => ip.text);
      // A machine may bind [::] and yet have no IPv6 address.
      expect([['0.0.0.0', '::'], ...(hasIpv6 ? [] : [['0.0.0.0']])]).toContainEqual(addresses);
      expect(new Set(endpoints.map(({ port }) => port)).size).toBe(1);
    },
  );

  it('leaves nothing bound where one port is taken', async () => {
    const taken = await bindTcp(loopback4);
    const wanted = await nodeBinder.bind('tcp', { ip: loopback4, port: 0 });
    await wanted.close();
    const specs = [wanted, taken].map(({ endpoint }) => `127.0.0.1:${endpoint.port}:80`);
    const failure = await rejectionOf(bindAll(nodeBinder, mappingsOf(...specs, '127.0.0.1::81/udp')));
    expect(failure).toMatchObject({
      code: 'SLUICE_PORT_ALLOCATED',
      message: `Bind for 127.0.0.1:${taken.endpoint.port} failed: port is already allocated`,
    });
    const again = await bindTcp(loopback4, wanted.endpoint.port);
    expect(again.endpoint.port).toBe(wanted.endpoint.port);
  });

  it('says of an address that is not its own that it is not', async () => {
    const failure = await rejectionOf(bindAll(nodeBinder, mappingsOf('192.0.2.1::80')));
    expect(failure.message).toBe(
      'Bind for 192.0.2.1:0 failed: cannot assign requested address: no interface of this machine has it',
    );
  });

  it('passes over a port of a pool that another program has', async () => {
    const { port } = (await bindTcp(loopback4)).endpoint;
    const [mapping] = await bindAll(nodeBinder, mappingsOf(`127.0.0.1:${port}-${port + 50}:80`));
    for (const listener of mapping?.listeners ?? []) scope.onEnd(() => listener.close());
    const chosen = mapping?.listeners[0]?.endpoint.port;
    expect(chosen).toBeGreaterThan(port);
    expect(chosen).toBeLessThanOrEqual(port + 50);
  });
});

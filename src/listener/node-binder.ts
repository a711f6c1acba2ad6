/** Binds with Node's own net and dgram, for the stream engine. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Endpoint } from '../address/endpoint.js';
import { numericLookup } from '../engine/stream/numeric-lookup.js';
import type {
  StreamListener,
  StreamTcpListener,
  StreamUdpListener,
} from '../engine/stream/stream-listener.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import type { Binder } from './binder.js';
import { EarlyArrivals } from './early-arrivals.js';

export const nodeBinder: Binder<StreamListener> = {
  bind: (protocol: Protocol, endpoint: Endpoint, namespace?: string) => {
    if (namespace !== undefined) return Promise.reject(new Error(`Node cannot listen inside ${namespace}`));
    return protocol === 'tcp' ? bindTcp(endpoint) : bindUdp(endpoint);
  },
};

async function bindTcp({ ip, port }: Endpoint): Promise<StreamTcpListener> {
  const arrivals = new EarlyArrivals<Socket>((client) => client.resetAndDestroy());
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.keepAliveDelayMs,
  });
  server.on('connection', (client) => arrivals.arrive(client));
  server.listen({ host: ip.text, port, ipv6Only: ip.family === 6, backlog: limits.listenBacklog });
  await once(server, 'listening');
  // An accept that fails (ENOBUFS, ENFILE) costs that connection; without a handler it would cost the process.
  server.on('error', () => undefined);
  const bound = server.address();
  return {
    protocol: 'tcp',
    endpoint: { ip, port: typeof bound === 'object' && bound !== null ? bound.port : port },
    accept: (onConnection) => arrivals.handTo(onConnection),
    get earlyArrivalsDropped() {
      return arrivals.dropped;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        arrivals.discardAll();
      }),
  };
}

interface Datagram {
  readonly datagram: Buffer;
  readonly client: RemoteInfo;
}

async function bindUdp({ ip, port }: Endpoint): Promise<StreamUdpListener> {
  const arrivals = new EarlyArrivals<Datagram>(() => undefined);
  const socket = createSocket({
    type: ip.family === 6 ? 'udp6' : 'udp4',
    ipv6Only: ip.family === 6,
    lookup: numericLookup,
  });
  try {
    // With an immediate lookup bind() emits before it returns.
    const listening = once(socket, 'listening');
    socket.bind({ address: ip.text, port, exclusive: true });
    await listening;
    socket.setRecvBufferSize(limits.udpReceiveBufferBytes);
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('message', (datagram, client) => arrivals.arrive({ datagram, client }));
  // An ICMP error for a reply to a client that has gone: its send reports it too, and the listener stays.
  socket.on('error', () => undefined);
  return {
    protocol: 'udp',
    endpoint: { ip, port: socket.address().port },
    receive: (onDatagram) => arrivals.handTo(({ datagram, client }) => onDatagram(datagram, client)),
    get earlyArrivalsDropped() {
      return arrivals.dropped;
    },
    send: (datagram, client, done) => socket.send(datagram, client.port, client.address, done),
    sendQueueLength: () => socket.getSendQueueCount(),
    close: () =>
      new Promise((resolve) => {
        socket.close(() => resolve());
        arrivals.discardAll();
      }),
  };
}

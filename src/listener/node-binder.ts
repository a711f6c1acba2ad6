/** Binds with Node's own net and dgram, for the stream engine. */
import { type BindOptions, createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, type Socket } from 'node:net';
import type { Endpoint } from '../address/endpoint.js';
import { everyIpv4, everyIpv6, type IpAddress, parseIp } from '../address/ip.js';
import { numericLookup } from '../engine/stream/numeric-lookup.js';
import type {
  StreamListener,
  StreamTcpListener,
  StreamUdpListener,
} from '../engine/stream/stream-listener.js';
import { messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import type { Adopt, Binder } from './binder.js';
import { EarlyArrivals } from './early-arrivals.js';

export const nodeBinder: Binder<StreamListener> = {
  bind: (protocol: Protocol, endpoint: Endpoint, namespace?: string) => {
    if (namespace !== undefined) return Promise.reject(new Error(`Node cannot listen inside ${namespace}`));
    return protocol === 'tcp'
      ? bindTcp(endpoint, { host: endpoint.ip.text, port: endpoint.port, ipv6Only: endpoint.ip.family === 6 })
      : bindUdp(endpoint, { address: endpoint.ip.text, port: endpoint.port, exclusive: true });
  },
};

/** Node takes nothing but a socket of the protocol; its family is the caller's word for it. */
export const nodeAdopt: Adopt<StreamListener> = async (protocol, descriptor, family) => {
  const asked = { ip: family === 6 ? everyIpv6 : everyIpv4, port: 0 };
  const from = { fd: descriptor };
  try {
    return await (protocol === 'tcp' ? bindTcp(asked, from) : bindUdp(asked, from));
  } catch (error) {
    const wanted = protocol === 'tcp' ? 'TCP socket that listens' : 'UDP socket that is bound';
    throw new SluiceError(
      'SLUICE_BIND_FAILED',
      `descriptor ${descriptor} is no IPv${family} ${wanted}: ${messageOf(error)}`,
      { cause: error },
    );
  }
};

async function bindTcp(
  { ip, port }: Endpoint,
  where: ListenOptions | { fd: number },
): Promise<StreamTcpListener> {
  const arrivals = new EarlyArrivals<Socket>((client) => client.resetAndDestroy());
  const server = createServer({
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.keepAliveDelayMs,
  });
  server.on('connection', (client) => arrivals.arrive(client));
  server.listen(where, limits.listenBacklog);
  await once(server, 'listening');
  // An accept that fails (ENOBUFS, ENFILE) costs that connection; without a handler it would cost the process.
  server.on('error', () => undefined);
  const bound = server.address();
  return {
    protocol: 'tcp',
    endpoint: typeof bound === 'object' && bound !== null ? endpointOf(bound, ip) : { ip, port },
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

async function bindUdp({ ip }: Endpoint, where: BindOptions): Promise<StreamUdpListener> {
  const arrivals = new EarlyArrivals<Datagram>(() => undefined);
  const socket = createSocket({
    type: ip.family === 6 ? 'udp6' : 'udp4',
    ipv6Only: ip.family === 6,
    lookup: numericLookup,
  });
  try {
    // With an immediate lookup bind() emits before it returns.
    const listening = once(socket, 'listening');
    socket.bind(where);
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
    endpoint: endpointOf(socket.address(), ip),
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

/** Where it is bound; the address as it was asked for, which may have a zone that the system does not give back. */
function endpointOf({ address, port }: AddressInfo, asked: IpAddress): Endpoint {
  const bound = parseIp(address);
  return { ip: bound === undefined || asked.text.startsWith(`${bound.text}%`) ? asked : bound, port };
}

/** UDP clients and servers that keep what they receive. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Endpoint } from '../../src/address/endpoint.js';
import type { TargetAddress } from '../../src/engine/engine.js';
import type { Scope } from './scope.js';
import { endpointOf } from './tcp-peers.js';

const bufferBytes = 4 << 20;

export interface Received {
  readonly datagram: Buffer;
  readonly from: RemoteInfo;
}

export interface UdpPeer {
  readonly endpoint: Endpoint;
  readonly address: TargetAddress;
  /** Every datagram so far. */
  readonly received: readonly Received[];
  /** The next datagram that no call has been given yet. */
  next(): Promise<Received>;
  send(datagram: Buffer | string, to: Endpoint): void;
  close(): Promise<void>;
}

type OnDatagram = (received: Received, socket: Socket) => void;

/** A socket bound to a free port of `host`, or to the port given. */
export async function udpPeer(
  scope: Scope,
  host: string,
  onDatagram?: OnDatagram,
  port = 0,
): Promise<UdpPeer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const received: Received[] = [];
  let claimed = 0;
  socket.on('message', (datagram, from) => {
    received.push({ datagram, from });
    onDatagram?.({ datagram, from }, socket);
  });
  socket.on('error', () => undefined);
  socket.bind(port, host);
  await once(socket, 'listening');
  socket.setRecvBufferSize(bufferBytes);
  socket.setSendBufferSize(bufferBytes);
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    socket.close();
    await once(socket, 'close');
  };
  scope.onEnd(close);
  const endpoint = endpointOf(host, socket.address().port);
  return {
    endpoint,
    address: { kind: 'ip', ...endpoint },
    received,
    next: async () => {
      const index = claimed++;
      while (received[index] === undefined) await once(socket, 'message');
      return received[index];
    },
    send: (datagram, to) => socket.send(datagram, to.port, to.ip.text),
    close,
  };
}

/** Sends every datagram back to where it came from. */
export const echo: OnDatagram = ({ datagram, from }, socket) =>
  socket.send(datagram, from.port, from.address);

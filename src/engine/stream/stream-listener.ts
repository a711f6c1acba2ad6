/** What the stream engine is given to accept from: a bound net.Server or dgram socket, behind only what it needs. */
import type { RemoteInfo } from 'node:dgram';
import type { Socket } from 'node:net';
import type { Listener } from '../engine.js';

export interface StreamTcpListener extends Listener {
  readonly protocol: 'tcp';
  /** Hands over the connections made since the bind, then each new one: paused, half-open allowed. */
  accept(onConnection: (client: Socket) => void): void;
  /** Connections that came before `accept` and were more than could be held: they were reset. */
  readonly earlyArrivalsDropped: number;
}

export interface StreamUdpListener extends Listener {
  readonly protocol: 'udp';
  /** Hands over the datagrams received since the bind, then each new one. */
  receive(onDatagram: (datagram: Buffer, client: RemoteInfo) => void): void;
  readonly earlyArrivalsDropped: number;
  /** Sends one datagram to a client; `done` is called with an error where it could not be sent. */
  send(datagram: Buffer, client: RemoteInfo, done: (error: Error | null) => void): void;
  /** Datagrams that wait in this process for the socket to take them. */
  sendQueueLength(): number;
}

export type StreamListener = StreamTcpListener | StreamUdpListener;

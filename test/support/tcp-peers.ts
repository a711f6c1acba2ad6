/** TCP clients and servers that behave exactly as a test tells them to. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Endpoint } from '../../src/address/endpoint.js';
import { parseIp } from '../../src/address/ip.js';
import type { TargetAddress } from '../../src/engine/engine.js';
import { temporaryFolder } from './folder.js';
import type { Scope } from './scope.js';
import { withDeadline } from './until.js';

export type Handler = (socket: Socket) => void;

export interface TcpServer {
  readonly address: TargetAddress;
  /** The connections in the order they came. */
  readonly connections: readonly Socket[];
  /** The next connection that no call has been given yet. */
  next(): Promise<Socket>;
}

/** A server on a free port of an IP address, on a unix socket of its own (`unix`), or at a path (`unix:/path`). */
export async function tcpServer(
  scope: Scope,
  host: string,
  handler: Handler = () => undefined,
): Promise<TcpServer> {
  const connections: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  const unclaimed: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    connections.push(socket);
    handler(socket);
    const claim = waiting.shift();
    if (claim === undefined) unclaimed.push(socket);
    else claim(socket);
  });
  const address = await listen(scope, server, host);
  scope.onEnd(async () => {
    for (const socket of connections) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    address,
    connections,
    next: () => {
      const socket = unclaimed.shift();
      return socket === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(socket);
    },
  };
}

async function listen(
  scope: Scope,
  server: ReturnType<typeof createServer>,
  host: string,
): Promise<TargetAddress> {
  if (host.startsWith('unix')) {
    const path = host.slice('unix:'.length) || join(temporaryFolder(scope), 'target.sock');
    server.listen(path);
    await once(server, 'listening');
    return { kind: 'unix', path };
  }
  server.listen(0, host);
  await once(server, 'listening');
  return { kind: 'ip', ...endpointOf(host, (server.address() as AddressInfo).port) };
}

export function endpointOf(host: string, port: number): Endpoint {
  const ip = parseIp(host);
  if (ip === undefined) throw new Error(`${host} is no IP address`);
  return { ip, port };
}

/** A server on a free loopback port, by that port. */
export async function listenTcp(scope: Scope, handler: Handler): Promise<number> {
  const { address } = await tcpServer(scope, '127.0.0.1', handler);
  return address.kind === 'ip' ? address.port : 0;
}

/** Sends everything back, then its FIN. */
export const echo: Handler = (socket) => {
  socket.pipe(socket);
};

/** A port that was free a moment ago: a test that takes it has to bear with losing it. */
export async function recentlyFreePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** An address that nothing listens on, and whose port nobody is given while the test runs: a connection holds it. */
export async function closedPort(scope: Scope, host: string): Promise<TargetAddress> {
  const server = createServer();
  const address = await listen(scope, server, host);
  if (address.kind !== 'ip') throw new Error(`${host} has no ports`);
  const accepting = once(server, 'connection');
  tcpClient(scope, address);
  const [held] = (await accepting) as [Socket];
  scope.onEnd(() => held.destroy());
  held.on('error', () => undefined);
  server.close();
  return address;
}

/** A client that connects, half-open allowed; what is written before it has connected waits. */
export function tcpClient(scope: Scope, { ip, port }: Endpoint): Socket {
  const socket = connect({ host: ip.text, port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  scope.onEnd(() => socket.destroy());
  return socket;
}

/** A client that has connected. One that was reset before we came to see it counts too: `ending` tells of the reset. */
export async function dial(scope: Scope, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = tcpClient(scope, endpointOf(host, port));
  const errno = await dialled(socket);
  if (errno !== undefined && errno !== 'ECONNRESET')
    throw new Error(`the dial to ${host}:${port} failed: ${errno}`);
  return socket;
}

/** Errno of a dial, or undefined where it succeeds. */
export function dialError(scope: Scope, port: number, host = '127.0.0.1'): Promise<string | undefined> {
  return dialled(tcpClient(scope, endpointOf(host, port)));
}

function dialled(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

/** Sends a text and its FIN, and gives everything that comes back. */
export async function exchange(socket: Socket, text: string): Promise<string> {
  socket.end(text);
  return String(await withDeadline(readAll(socket), () => `no end came after ${JSON.stringify(text)}`));
}

/** How a peer's stream ended: orderly, by a reset, or with another error. What it had sent before is thrown away. */
export function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNRESET' ? 'reset' : String(error.code));
    if (socket.errored) onError(socket.errored);
    socket.once('end', () => resolve('fin'));
    socket.once('error', onError);
    socket.resume();
  });
}

/** Calls with every chunk up to the FIN; rejects on a reset. The other direction stays open. */
function eachChunk(socket: Socket, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('data', take);
    socket.once('end', resolve);
    socket.once('error', reject);
    socket.resume();
  });
}

/** Everything up to the FIN; rejects on a reset. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await eachChunk(socket, (chunk) => chunks.push(chunk));
  return Buffer.concat(chunks);
}

/** Exactly `length` bytes from a socket that stays open. */
export function readExactly(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let have = 0;
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      have += chunk.length;
      if (have < length) return;
      socket.off('data', onData);
      socket.off('error', reject);
      socket.pause();
      resolve(Buffer.concat(chunks));
    };
    socket.on('data', onData);
    socket.once('error', reject);
    socket.resume();
  });
}

const blockBytes = 1 << 20;

/** Sends `mebibytes` of data in which every block differs, then a FIN; gives the hash of what was sent. */
export async function sendPattern(socket: Socket, mebibytes: number): Promise<string> {
  const hash = createHash('sha256');
  const random = randomBytes(blockBytes);
  for (let block = 0; block < mebibytes; block += 1) {
    const data = Buffer.from(random);
    data.writeUInt32BE(block, 0);
    hash.update(data);
    if (!socket.write(data)) await once(socket, 'drain');
  }
  socket.end();
  return hash.digest('hex');
}

/** The hash of everything up to the FIN. */
export async function hashAll(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  await eachChunk(socket, (chunk) => hash.update(chunk));
  return hash.digest('hex');
}

/** Has clients of an echo server send a byte there and back again and again, until told to stop. */
export function keepBusy(clients: readonly Socket[]): () => void {
  let going = true;
  for (const client of clients) {
    client.on('data', () => going && client.write('.'));
    client.write('.');
  }
  return () => {
    going = false;
  };
}

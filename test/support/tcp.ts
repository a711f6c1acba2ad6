/** TCP targets and clients for tests. Whatever is opened here is closed after the test. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { cleanUp } from './cleanup.js';
import { withDeadline } from './sluice-process.js';

/** Listens on a port of the kernel's choice. */
export async function listenTcp(
  onConnection: (socket: Socket) => void,
  place: { readonly host?: string; readonly path?: string } = {},
): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await listening(server, place);
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return place.path === undefined ? (server.address() as AddressInfo).port : 0;
}

async function listening(server: Server, place: { readonly host?: string; readonly path?: string }) {
  const ready = once(server, 'listening');
  if (place.path === undefined) server.listen(0, place.host ?? '127.0.0.1');
  else server.listen(place.path);
  await ready;
}

/** Sends everything back, then its FIN. */
export function echo(socket: Socket): void {
  socket.pipe(socket);
}

/** A port that was free a moment ago: a test that takes it has to bear with losing it. */
export async function recentlyFreePort(): Promise<number> {
  const server = createServer();
  await listening(server, {});
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  cleanUp(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Sends a text and its FIN, and gives everything that comes back. */
export async function exchange(socket: Socket, text: string): Promise<string> {
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk;
  });
  socket.end(text);
  await withDeadline(once(socket, 'end'), () => `only ${JSON.stringify(answer)} came back`);
  return answer;
}

/** Done with the errno the socket failed with, or undefined where it was closed in order. */
export function closed(socket: Socket): Promise<string | undefined> {
  socket.resume();
  const end = new Promise<string | undefined>((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once('close', () => resolve(undefined));
  });
  return withDeadline(end, () => 'the socket was never closed');
}

/** Errno of a dial, or undefined where it succeeds. */
export async function dialError(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  const socket = connect({ port, host });
  cleanUp(() => socket.destroy());
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

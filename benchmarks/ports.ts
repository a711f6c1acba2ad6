/** Ports for proxies and targets, and waiting until someone serves one. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from './bounds.js';
import type { Child } from './child.js';

export const loopback = '127.0.0.1';
export type Protocol = 'tcp' | 'udp';

const given = new Set<number>();

/** A port that is free for TCP and UDP on loopback, and was not given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const span = bench.mostPort - bench.leastPort;
    const port = bench.leastPort + Math.floor(Math.random() * span);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

/** Waits until a port is served: until it takes a TCP connection, or echoes a datagram. */
export async function untilServed(protocol: Protocol, port: number, child: Child): Promise<void> {
  const deadlineMs = performance.now() + bench.readyMs;
  const isServed = protocol === 'tcp' ? takesConnection : echoes;
  while (!(await isServed(port))) {
    if (child.hasEnded) throw new Error(`${child.name} ended before it was ready: ${child.lastWords}`);
    if (performance.now() > deadlineMs) {
      throw new Error(`${child.name} was not ready in ${bench.readyMs} ms: ${child.lastWords}`);
    }
    await pause(bench.readyPollMs);
  }
}

function takesConnection(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, loopback);
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('close', () => resolve(false));
  });
}

/** One datagram and its echo; a proxy that is not there yet refuses it, and one whose target is not drops it. */
async function echoes(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, loopback);
    await once(socket, 'connect');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(50) });
    // A refusal comes as an error event, which ends the wait.
    socket.send(Buffer.alloc(64));
    await answer;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    server.listen(port, loopback);
    await once(server, 'listening');
    socket.bind(port, loopback);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
    socket.close();
  }
}

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

/** How a port shows that it is served. To be accepted is not enough of a proxy: the kernel does that for it. */
export type Sign = (port: number) => Promise<boolean>;

/** Waits for the sign, trying again and again. */
export async function untilServed(isServed: Sign, port: number, child: Child): Promise<void> {
  const deadlineMs = performance.now() + bench.readyMs;
  while (!(await isServed(port))) {
    if (child.hasEnded) throw new Error(`${child.name} ended before it was ready: ${child.lastWords}`);
    if (performance.now() > deadlineMs) {
      throw new Error(`${child.name} was not ready in ${bench.readyMs} ms: ${child.lastWords}`);
    }
    await pause(bench.readyPollMs);
  }
}

/** One connection taken: for a target. */
export const takesConnection: Sign = (port) => tryConnection(port, { connect: true });

/** One byte and its echo, through a proxy and its target. */
export const echoesByte: Sign = (port) => tryConnection(port, { connect: false, data: true });

/** A connection that was taken and ends: a proxy whose target is not there yet has tried to reach it. */
export const endsConnection: Sign = (port) => tryConnection(port, { connect: false, close: true });

interface Wanted {
  readonly connect: boolean;
  readonly data?: true;
  readonly close?: true;
}

function tryConnection(port: number, wanted: Wanted): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, loopback);
    let connected = false;
    const done = (result: boolean) => {
      resolve(result);
      socket.destroy();
    };
    // What went wrong does not matter: it is told as closed next.
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      connected = true;
      if (wanted.connect) done(true);
      if (wanted.data) socket.write('x');
    });
    socket.on('data', () => done(wanted.data === true));
    socket.on('close', () => resolve(connected && wanted.close === true));
    socket.setTimeout(bench.readyMs, () => done(false));
  });
}

/** One datagram and its echo; a proxy that is not there yet refuses it, and one whose target is not drops it. */
export async function echoesDatagram(port: number): Promise<boolean> {
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

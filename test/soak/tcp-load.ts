/**
 * TCP flows for a soak, one after the other on each of many lanes. A flow's first 20 bytes say what it is: seed, bytes up,
 * bytes down, and where the target resets it, if it does. Both ends check every byte they get.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { withDeadline } from '../support/until.js';
import { PatternCheck, patternAt } from './pattern.js';
import type { Random } from './random.js';

const headerBytes = 20;
const never = 0xffff_ffff;

interface Plan {
  readonly seed: number;
  readonly up: number;
  readonly down: number;
  /** Bytes after which an end resets what it should go on receiving or sending; `never` where it does not. */
  readonly clientResetsAt: number;
  readonly targetResetsAt: number;
  /** The target speaks before it has heard all. */
  readonly bothAtOnce: boolean;
}

export interface TcpTally {
  whole: number;
  reset: number;
  bytes: number;
  readonly faults: string[];
}

export interface TcpTarget {
  readonly port: number;
  close(): Promise<void>;
}

/** A server that takes what a flow's header announces and sends back what it asks for. */
export async function startTcpTarget(tally: TcpTally): Promise<TcpTarget> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void answer(socket, tally).catch((error: unknown) => {
      if (!isReset(error)) tally.faults.push(`target: ${String(error)}`);
      socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(socket: Socket, tally: TcpTally): Promise<void> {
  const failed = once(socket, 'error').then(([error]) => Promise.reject(error as Error));
  failed.catch(() => undefined);
  let header = Buffer.alloc(0);
  let check: PatternCheck | undefined;
  let plan: Plan | undefined;
  let sending: Promise<void> | undefined;
  const begin = () => {
    plan = readHeader(header);
    check = new PatternCheck(plan.seed);
    if (plan.bothAtOnce) sending = send(socket, plan.seed + 1, plan.down, never);
    sending?.catch(() => undefined);
  };
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    if (check === undefined) {
      header = Buffer.concat([header, chunk]);
      if (header.length < headerBytes) return;
      rest = header.subarray(headerBytes);
      begin();
    }
    try {
      check?.take(rest);
    } catch (error) {
      tally.faults.push(`to the target: ${String(error)}`);
      socket.destroy();
    }
    if (plan !== undefined && (check?.received ?? 0) >= plan.targetResetsAt) reset(socket);
  });
  await Promise.race([once(socket, 'end'), failed]);
  if (plan === undefined || check === undefined) {
    socket.destroy();
    return;
  }
  if (plan.clientResetsAt === never && check.received !== plan.up)
    tally.faults.push(`the target got ${check.received} of ${plan.up} bytes`);
  await (sending ?? send(socket, plan.seed + 1, plan.down, never));
}

/** Runs flows until `stopped`, one after the other. */
export async function tcpLane(
  port: number,
  random: Random,
  tally: TcpTally,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    const plan = makePlan(random);
    try {
      await withDeadline(runFlow(port, plan), () => `a flow stalled: ${JSON.stringify(plan)}`);
      tally.whole += 1;
      tally.bytes += plan.up + plan.down;
    } catch (error) {
      if (willReset(plan) && isReset(error)) tally.reset += 1;
      else tally.faults.push(`${String(error)} in ${JSON.stringify(plan)}`);
    }
  }
}

const willReset = (plan: Plan) => plan.clientResetsAt !== never || plan.targetResetsAt !== never;

class OwnReset extends Error {
  readonly code = 'ECONNRESET';
}

async function runFlow(port: number, plan: Plan): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const check = new PatternCheck(plan.seed + 1);
  try {
    const ended = new Promise<void>((resolve, reject) => {
      socket.once('end', resolve);
      socket.once('error', reject);
      socket.on('data', (chunk: Buffer) => {
        try {
          check.take(chunk);
        } catch (error) {
          reject(error as Error);
        }
      });
    });
    ended.catch(() => undefined);
    socket.write(writeHeader(plan));
    const sent = send(socket, plan.seed, plan.up, plan.clientResetsAt);
    sent.catch(() => undefined);
    await Promise.race([Promise.all([sent, ended]), ended.then(() => sent)]);
    if (check.received === plan.down) return;
    // A reset that waits behind data by the time Node looks is told as an end: libuv takes EPOLLHUP for one once a read
    // came short. The engine tells them apart (test/conformance), this client cannot.
    if (willReset(plan)) throw new OwnReset('cut off as planned');
    throw new Error(`the client got ${check.received} of ${plan.down} bytes`);
  } finally {
    socket.destroy();
  }
}

/** Sends a pattern and a FIN, or a reset in its midst. */
async function send(socket: Socket, seed: number, length: number, resetsAt: number): Promise<void> {
  for (let sent = 0; sent < length; ) {
    if (sent >= resetsAt) break;
    const chunk = patternAt(seed, sent, Math.min(length - sent, 256 * 1024));
    sent += chunk.length;
    if (!socket.write(chunk)) await drained(socket);
  }
  if (resetsAt === never) {
    socket.end();
    return;
  }
  reset(socket);
  throw new OwnReset('reset as planned');
}

/** Node cannot reset a socket whose FIN is under way, and would keep its descriptor for ever: that one is closed. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) throw socket.errored ?? new OwnReset('gone');
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      socket.off('drain', settle).off('close', settle);
      if (socket.destroyed) reject(socket.errored ?? new OwnReset('gone'));
      else resolve();
    };
    socket.on('drain', settle).on('close', settle);
  });
}

function makePlan(random: Random): Plan {
  const up = random.size();
  const resets = random.below(10);
  return {
    seed: random.below(1 << 30),
    up,
    down: random.size(),
    clientResetsAt: resets === 0 ? random.below(up + 1) : never,
    targetResetsAt: resets === 1 ? random.below(up + 1) : never,
    bothAtOnce: random.below(2) === 0,
  };
}

function writeHeader(plan: Plan): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(plan.seed, 0);
  header.writeUInt32LE(plan.up, 4);
  header.writeUInt32LE(plan.down, 8);
  header.writeUInt32LE(plan.targetResetsAt, 12);
  header[16] = plan.bothAtOnce ? 1 : 0;
  header[17] = plan.clientResetsAt === never ? 0 : 1;
  return header;
}

function readHeader(header: Buffer): Plan {
  return {
    seed: header.readUInt32LE(0),
    up: header.readUInt32LE(4),
    down: header.readUInt32LE(8),
    targetResetsAt: header.readUInt32LE(12),
    bothAtOnce: header[16] === 1,
    clientResetsAt: header[17] === 1 ? 0 : never,
  };
}

/** EINVAL: Node was told to reset a socket that its peer had closed already. */
function isReset(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return ['ECONNRESET', 'EPIPE', 'EINVAL'].includes(code);
}

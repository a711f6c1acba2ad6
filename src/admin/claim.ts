/**
 * Takes an instance's name, for as long as its process lives.
 *
 * The socket is bound in a hidden folder of its own, which is then renamed to the instance's name. rename(2) replaces an
 * empty folder and no other, in one step: of two processes one gets the name. The loser finds the winner's socket inside
 * and asks whether it lives; the kernel answers that, with ECONNREFUSED, also for a process that was killed. A dead
 * process's socket is removed by its name, which no other ever has, and the rename tried again.
 */
import { mkdirSync, readdirSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { errnoOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { isDead, newSocketName, removeSocket, socketsIn } from './instance-folder.js';
import { openRuntimeFolder, unusable } from './runtime-folder.js';

/** Read and write for its user alone. */
const ownersOnly = 0o177;
/** What a folder is called until it has its instance's name, which never begins so. */
const hidden = '.';

export interface Claim {
  readonly name: string;
  readonly socketPath: string;
  /** Done when somebody has connected for the first time. */
  readonly asked: Promise<void>;
  /** Takes over those that connected so far, and all who do from now on. */
  serve(take: (connection: Socket) => void): void;
  /** Gives the name up; connections stay. */
  release(): void;
}

/**
 * @throws SluiceError SLUICE_NAME_TAKEN, with the holder's process id; SLUICE_NO_RUNTIME_FOLDER where there is none to use
 */
export async function claimName(name: string): Promise<Claim> {
  const runtime = openRuntimeFolder();
  try {
    return await claimIn(runtime, name);
  } catch (error) {
    throw error instanceof SluiceError ? error : unusable(runtime, error);
  }
}

async function claimIn(runtime: string, name: string): Promise<Claim> {
  const socketName = newSocketName();
  const folder = join(runtime, name);
  const start = join(runtime, hidden + socketName);
  const socketPath = join(folder, socketName);
  refuseLong(socketPath);
  refuseLong(join(start, socketName));
  mkdirSync(start, { mode: 0o700 });
  const { asked, serve, close, listen } = socketServer();
  try {
    await listen(join(start, socketName));
    await takeFolder(start, folder, name);
  } catch (error) {
    close();
    removeSocket(join(start, socketName), start);
    throw error;
  }
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    process.off('exit', release);
    close();
    removeSocket(socketPath, folder);
  };
  process.once('exit', release);
  // Another start may be sweeping too, and what stays is for the next one.
  sweep(runtime).catch(() => undefined);
  return { name, socketPath, asked, serve, release };
}

function refuseLong(path: string): void {
  if (Buffer.byteLength(path) <= limits.unixPathBytes) return;
  throw new SluiceError(
    'SLUICE_NO_RUNTIME_FOLDER',
    `the socket ${path} would have a path longer than the ${limits.unixPathBytes} bytes that the kernel takes: set SLUICE_RUNTIME_DIR to a shorter one, or --name`,
  );
}

async function takeFolder(start: string, folder: string, name: string): Promise<void> {
  for (let attempt = 0; attempt < limits.claimAttempts; attempt += 1) {
    if (renamed(start, folder)) return;
    for (const { path, pid } of socketsIn(folder)) {
      if (!(await isDead(path))) throw taken(name, `process ${pid}`);
      removeSocket(path, folder);
    }
  }
  throw taken(name, `whatever is in ${folder}`);
}

function renamed(start: string, folder: string): boolean {
  try {
    renameSync(start, folder);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

function taken(name: string, holder: string): SluiceError {
  return new SluiceError(
    'SLUICE_NAME_TAKEN',
    `the name ${name} is taken, by ${holder}: give this instance another one with --name, or publish more ports of that one with sluice publish ${name} -p`,
  );
}

interface SocketServer extends Pick<Claim, 'asked' | 'serve'> {
  listen(path: string): Promise<void>;
  /** Takes no more connections, and ends those that were never served. */
  close(): void;
}

/** Whoever connects before it is served is kept waiting, up to a bound. */
function socketServer(): SocketServer {
  const early: Socket[] = [];
  let tellAsked: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    tellAsked = resolve;
  });
  let taker: ((connection: Socket) => void) | undefined;
  const server = createServer({ pauseOnConnect: true }, (connection) => {
    connection.on('error', () => undefined);
    if (taker !== undefined) pass(connection, taker);
    else {
      early.push(connection);
      tellAsked();
    }
  });
  server.maxConnections = limits.controlConnections;
  // It is the wait for a stop that keeps the process.
  server.unref();
  return {
    asked,
    listen: (path) =>
      new Promise((resolve, reject) => {
        server.once('listening', resolve);
        server.on('error', reject);
        // Bound within this call: the socket is never there with a wider mode, and nothing else is made meanwhile.
        const before = process.umask(ownersOnly);
        server.listen(path);
        process.umask(before);
      }),
    serve: (take) => {
      taker = take;
      for (const connection of early.splice(0)) pass(connection, take);
    },
    close: () => {
      server.close();
      for (const connection of early.splice(0)) connection.destroy();
    },
  };
}

function pass(connection: Socket, take: (connection: Socket) => void): void {
  take(connection);
  connection.resume();
}

/** What a start that was killed before it had its name has left behind. */
async function sweep(runtime: string): Promise<void> {
  for (const entry of readdirSync(runtime).filter((name) => name.startsWith(hidden))) {
    const folder = join(runtime, entry);
    // In a young one the socket may be bound and not listen yet, which looks as if it were dead.
    if (Date.now() - statSync(folder).mtimeMs < limits.unclaimedAgeMs) continue;
    const [socket] = socketsIn(folder);
    if (socket === undefined) rmdirSync(folder);
    else if (await isDead(socket.path)) removeSocket(socket.path, folder);
  }
}

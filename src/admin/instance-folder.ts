/**
 * What is in an instance's folder: a socket of a name that no other process ever uses, so that whoever finds its
 * process gone can remove it, without a lock and without ever removing another's.
 */
import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';

const socketPattern = /^(\d+)-[0-9a-f]{8}\.sock$/;

export interface FoundSocket {
  readonly path: string;
  /** Of the process that made it, in that process's PID namespace. */
  readonly pid: number;
}

/** A socket's name that only this process uses. It need not be hard to guess, and Node's crypto takes 2 ms to load. */
export function newSocketName(): string {
  const random = Math.floor(Math.random() * 2 ** 32);
  return `${process.pid}-${random.toString(16).padStart(8, '0')}.sock`;
}

/** The sockets in an instance's folder: none where it is none, or is gone. */
export function socketsIn(folder: string): FoundSocket[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = socketPattern.exec(name)?.[1];
    return pid === undefined ? [] : [{ path: join(folder, name), pid: Number(pid) }];
  });
}

/** True where no process listens any more; one that is too busy to answer does listen. */
export function isDead(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (error) => resolve(['ECONNREFUSED', 'ENOENT'].includes(errnoOf(error) ?? '')));
  });
}

/** Removes a socket whose process is gone, or our own, and its folder where nobody else has taken that since. */
export function removeSocket(socketPath: string, folder: string): void {
  passingOver(['ENOENT', 'ENOTDIR'], () => unlinkSync(socketPath));
  passingOver(['ENOENT', 'ENOTEMPTY', 'EEXIST'], () => rmdirSync(folder));
}

/** Somebody else may have been quicker, which is as good. */
function passingOver(errnos: readonly string[], remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!errnos.includes(errnoOf(error) ?? '')) throw error;
  }
}

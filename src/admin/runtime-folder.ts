/**
 * The folder in which instances of one user meet: each has a folder in it, of its name, with its socket inside. What may
 * be done to an instance is decided by who may write here, so it has to be its user's alone.
 */
import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, messageOf, SluiceError } from '../errors.js';

const groupOrOthersWrite = 0o022;

/**
 * Where it is, there or not: `$SLUICE_RUNTIME_DIR`, else /run/sluice for root, else `$XDG_RUNTIME_DIR/sluice`.
 *
 * @throws SluiceError SLUICE_NO_RUNTIME_FOLDER where none of these is given
 */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string {
  const { SLUICE_RUNTIME_DIR: own = '', XDG_RUNTIME_DIR: users = '' } = env;
  if (own !== '') return resolve(own);
  if (uid === 0) return '/run/sluice';
  if (users !== '') return join(resolve(users), 'sluice');
  throw noFolder('there is no runtime folder: set SLUICE_RUNTIME_DIR (or XDG_RUNTIME_DIR)');
}

/**
 * Makes the runtime folder where it is missing.
 *
 * @throws SluiceError SLUICE_NO_RUNTIME_FOLDER where it cannot be made, or is somebody else's to write
 */
export function openRuntimeFolder(): string {
  const folder = runtimeFolder();
  try {
    makeFolder(folder);
  } catch (error) {
    throw unusable(folder, error);
  }
  refuseShared(folder);
  return folder;
}

/** One by one: Node's own recursion never ends in a folder that takes none (/proc), nor tells a read-only file system. */
function makeFolder(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another start may have been quicker.
    if (errnoOf(error) !== 'EEXIST' || !isFolder(folder)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** What the system said of it, for the person who can change it. */
export function unusable(folder: string, error: unknown): SluiceError {
  const why = reasons[errnoOf(error) ?? ''] ?? messageOf(error);
  return noFolder(
    `cannot use the runtime folder ${folder}: ${why}; set SLUICE_RUNTIME_DIR to another`,
    error,
  );
}

/**
 * A sticky folder, such as /tmp, is shared as well: nobody can take away what is another's there, but everybody can be the
 * first to have a name.
 *
 * @throws SluiceError SLUICE_NO_RUNTIME_FOLDER where others than its user and root could put something there
 */
export function refuseShared(folder: string): void {
  const { uid, mode } = lstatSync(folder);
  const owned = uid === process.getuid?.() || uid === 0;
  if (owned && (mode & groupOrOthersWrite) === 0) return;
  const why = owned ? 'other users may write there' : `it belongs to another user (uid ${uid})`;
  throw noFolder(`the runtime folder ${folder} cannot be trusted: ${why}; set SLUICE_RUNTIME_DIR`);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EEXIST: 'it is not a folder',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'part of its path is not a folder',
  ENOSPC: 'the disk is full',
};

function noFolder(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_NO_RUNTIME_FOLDER', message, { cause });
}

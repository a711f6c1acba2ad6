/**
 * A process, by its folder in /proc held open: the number of a process that has ended may be another's soon, but its
 * folder never is, and is empty from then on (ESRCH). It keeps neither the process nor its namespaces.
 *
 * The folder is this object's to close. Its number stays the same when another process takes the place of one that
 * has ended, so that whoever has the path dials where the target is now.
 */
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { checked } from '../sys/errno.js';
import { O_CLOEXEC } from '../sys/fcntl.js';
import { unistd } from '../sys/unistd.js';

/** A process that is not the container's: Docker counts processes elsewhere than we do. */
export class ForeignProcessError extends Error {
  override readonly name = 'ForeignProcessError';
}

export class ProcessFolder {
  readonly #descriptor: number;

  /**
   * @param containerId of the container that it must be a process of, if any
   * @throws ForeignProcessError, or the system's error: ENOENT where there is no such process
   */
  constructor(pid: number, containerId?: string) {
    this.#descriptor = openFolder(pid, containerId);
  }

  /** Of its network namespace, for every thread of this process. */
  get namespacePath(): string {
    return `${ownPath(this.#descriptor)}/ns/net`;
  }

  /** @throws as the constructor; then it stays what it was */
  moveTo(pid: number, containerId: string): void {
    const next = openFolder(pid, containerId);
    try {
      checked('dup3', unistd().dup3(next, this.#descriptor, O_CLOEXEC));
    } finally {
      closeSync(next);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function openFolder(pid: number, containerId: string | undefined): number {
  const folder = openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (containerId !== undefined) refuseForeign(pid, folder, containerId);
    return folder;
  } catch (error) {
    closeSync(folder);
    throw error;
  }
}

/** Every runtime names a container's control group by its id (`/docker/ID`, `docker-ID.scope`). */
function refuseForeign(pid: number, folder: number, containerId: string): void {
  if (readFileSync(`${ownPath(folder)}/cgroup`, 'utf8').includes(containerId)) return;
  throw new ForeignProcessError(`process ${pid} is not in container ${containerId}`);
}

function ownPath(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** The process of a container, followed by Docker's events: the one that runs now, under a path that stays the same. */
import type { Container } from '../docker/answers.js';
import { type Following, followContainer } from '../docker/docker.js';
import type { ContainerNews } from '../docker/followed-container.js';
import { errnoOf } from '../errors.js';
import { ForeignProcessError, ProcessFolder } from './netns-process-folder.js';

export interface ProcessEvents {
  /** Another process, of another namespace, has taken its place. */
  replaced(): void;
  /** It may have ended. */
  ended(): void;
  /** It was sent a signal: it may be about to end. */
  ending(): void;
  trouble(message: string): void;
  recovered(message: string): void;
}

export interface ContainerProcess {
  readonly path: string;
  close(): void;
}

/** Why a container cannot be entered, in words for the user. */
export class NotEnterableError extends Error {
  override readonly name = 'NotEnterableError';
}

/**
 * @throws NotEnterableError where it does not run, or where its process is not to be seen from here; SluiceError where
 *   Docker knows no such container or cannot be asked
 */
export async function followProcess(container: string, events: ProcessEvents): Promise<ContainerProcess> {
  const process = new FollowedProcess(container, events);
  await process.open();
  return process;
}

class FollowedProcess implements ContainerProcess, ContainerNews {
  readonly #name: string;
  readonly #events: ProcessEvents;
  #following: Following | undefined;
  #folder: ProcessFolder | undefined;
  /** Told while it was being opened: newer than what it was found as. */
  #early: { readonly container: Container | undefined } | undefined;
  /** Which container, and which run of it. */
  #run = '';

  constructor(name: string, events: ProcessEvents) {
    this.#name = name;
    this.#events = events;
  }

  async open(): Promise<void> {
    this.#following = await followContainer(this.#name, this);
    const container = this.#early === undefined ? this.#following.container : this.#early.container;
    try {
      this.#folder = this.#openFolder(container);
    } catch (error) {
      this.#following.close();
      throw error;
    }
  }

  get path(): string {
    return this.#folder?.namespacePath ?? '';
  }

  close(): void {
    this.#following?.close();
    this.#folder?.close();
  }

  changed(container: Container | undefined): void {
    if (this.#folder === undefined) {
      this.#early = { container };
    } else if (container === undefined || !container.running) {
      this.#events.ended();
    } else if (runOf(container) !== this.#run) {
      this.#moveTo(this.#folder, container);
    }
  }

  signalled(): void {
    this.#events.ending();
  }

  lost(reason: string | undefined): void {
    if (reason === undefined) return;
    this.#events.trouble(
      `${reason}; the last processes of its containers stay in use until it answers again`,
    );
  }

  found(tell: boolean): void {
    if (tell) this.#events.recovered('Docker answers again');
  }

  #moveTo(folder: ProcessFolder, container: Container): void {
    try {
      folder.moveTo(container.pid, container.id);
    } catch {
      // It has ended already: what comes next is told.
      this.#events.ended();
      return;
    }
    this.#run = runOf(container);
    this.#events.replaced();
  }

  #openFolder(container: Container | undefined): ProcessFolder {
    const start = `docker start ${this.#name} starts it`;
    if (container === undefined || !container.running)
      throw new NotEnterableError(`it is not running: ${start}`);
    this.#run = runOf(container);
    try {
      return new ProcessFolder(container.pid, container.id);
    } catch (error) {
      if (error instanceof ForeignProcessError || errnoOf(error) === 'ENOENT') {
        throw new NotEnterableError(
          `its process ${container.pid} is not to be seen from here: run sluice on Docker's host, not in a container`,
        );
      }
      throw error;
    }
  }
}

function runOf({ id, startedAtMs }: Container): string {
  return `${id} ${startedAtMs}`;
}

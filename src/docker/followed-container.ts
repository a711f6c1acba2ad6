/**
 * One container, followed through whatever happens to it. What it is followed by is settled when it is first found: the
 * name, where that is what was given, so that another container of this name takes its place; its id otherwise.
 *
 * An event only says that something happened; what is so now is asked for. An answer that was asked for before the last
 * event is thrown away and asked for anew, so that old news never comes after new. The end of a container is the one
 * event that is acted on at once.
 */
import { SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { type Container, type ContainerEvent, inDockersOrder } from './answers.js';
import type { EngineApi } from './engine-api.js';

export interface ContainerNews {
  /**
   * What Docker says of it now; undefined where there is none of that name or id.
   *
   * @param ended the one that was there before runs no more; false where it lives on under another name
   */
  changed(now: Container | undefined, ended: boolean): void;
  /** It was sent a signal: it may be about to end. */
  signalled(): void;
  /**
   * Docker does not answer, and what is known may be old.
   *
   * @param reason for the user; undefined where another follower was given it, so that it is told once
   */
  lost(reason: string | undefined): void;
  /** Docker answers again; `tell` where this one was given the reason. */
  found(tell: boolean): void;
}

export class FollowedContainer {
  readonly #api: EngineApi;
  readonly #reference: string;
  readonly #news: ContainerNews;
  #byName = false;
  #now: Container | undefined;
  #asking = false;
  /** Something happened since what is being asked for was. */
  #stale = false;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(api: EngineApi, reference: string, news: ContainerNews) {
    this.#api = api;
    this.#reference = reference;
    this.#news = news;
  }

  get news(): ContainerNews {
    return this.#news;
  }

  /** @throws SluiceError as `EngineApi.container` */
  async find(): Promise<Container> {
    const found = await inspect(this.#api, this.#reference);
    this.#byName = found.name === this.#reference;
    this.#now = found;
    // What happened while it was asked for may not be in the answer.
    if (this.#stale) this.look();
    return found;
  }

  happened(event: ContainerEvent): void {
    const now = this.#now;
    if (now === undefined && !this.#byName) this.#stale = true;
    if (!this.#concerns(event)) return;
    if (event.action === 'kill' && event.containerId === now?.id) this.#news.signalled();
    // One that was told late is of an earlier run.
    const ends = event.action === 'die' && event.containerId === now?.id && event.atMs >= now.startedAtMs;
    if (now !== undefined && ends && now.running) {
      this.#take({ ...now, running: false, status: 'exited' }, true);
    }
    this.look();
  }

  /** Asks for what is so now. */
  look(): void {
    this.#stale = true;
    if (!this.#asking && !this.#closed) void this.#ask();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  #concerns({ containerId, names }: ContainerEvent): boolean {
    if (containerId === this.#now?.id || containerId === this.#now?.networkOwner) return true;
    return this.#byName && names.includes(this.#reference);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    clearTimeout(this.#retry);
    try {
      while (this.#stale && !this.#closed) {
        this.#stale = false;
        const before = this.#now;
        const now = await this.#known();
        const ended = await this.#hasEnded(before, now);
        if (!this.#stale && !this.#closed) this.#take(now, ended);
      }
    } catch {
      // The stream of events tells the user where Docker is gone; where it is not, the next try gets an answer.
      this.#retry = setTimeout(() => this.look(), limits.dockerRetryMostMs);
      this.#retry.unref();
    } finally {
      this.#asking = false;
    }
  }

  async #known(): Promise<Container | undefined> {
    const found = await inspectIfThere(
      this.#api,
      this.#byName ? this.#reference : (this.#now?.id ?? this.#reference),
    );
    // A name that is no container's any more may still be the beginning of another's id.
    return this.#byName && found?.name !== this.#reference ? undefined : found;
  }

  async #hasEnded(before: Container | undefined, now: Container | undefined): Promise<boolean> {
    if (before === undefined || !before.running) return false;
    const same = now?.id === before.id ? now : await inspectIfThere(this.#api, before.id);
    return same === undefined || !same.running || same.startedAtMs !== before.startedAtMs;
  }

  #take(now: Container | undefined, ended: boolean): void {
    // By id it stays known, so that it is told when it comes back.
    const last = this.#byName || this.#now === undefined ? undefined : { ...this.#now, running: false };
    this.#now = now ?? last;
    this.#news.changed(now, ended);
  }
}

/** The container, its networks in Docker's order; one that shares another's network has that one's addresses. */
export async function inspect(api: EngineApi, reference: string): Promise<Container> {
  const container = await api.container(reference);
  const owner = /^container:(.+)$/.exec(container.networkMode)?.[1];
  const sharing = owner === undefined ? undefined : await inspectIfThere(api, owner);
  if (sharing !== undefined) {
    const { id, networkMode, networks, running } = sharing;
    return { ...container, networkMode, networks: running ? networks : [], networkOwner: id };
  }
  if (container.networks.length < 2) return container;
  return { ...container, networks: inDockersOrder(container.networks, await api.internalNetworks()) };
}

async function inspectIfThere(api: EngineApi, reference: string): Promise<Container | undefined> {
  try {
    return await inspect(api, reference);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_NO_SUCH_CONTAINER') return undefined;
    throw error;
  }
}

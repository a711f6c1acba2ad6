/**
 * The listeners inside one network namespace that is not our own. They end with it, flows and all, and are bound again,
 * on the same addresses and ports, as soon as it is there again.
 */
import type { Logger } from 'pino';
import type { Listener } from '../engine/engine.js';
import { messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { bindError } from '../listener/bind-error.js';
import type { Binder } from '../listener/binder.js';
import { formatListenNamespace } from '../publish/listen-namespace.js';
import { formatInside, type Mapping } from '../publish/mapping.js';
import type { NamespaceSpec } from '../publish/target-spec.js';
import type { FollowedNamespace, NamespaceEvents } from '../target/netns-follower.js';
import type { PublishedService } from './published.js';

/** A listener that is being served. */
export interface InsideListener<L extends Listener> {
  readonly mapping: Mapping;
  readonly service: PublishedService;
  /** False once its mapping is being unpublished. */
  wanted(): boolean;
  /** Another one, of the same mapping and on the same endpoint, takes its place. */
  serve(listener: L): void;
}

export interface ListenNamespaceHost<L extends Listener> {
  readonly binder: Binder<L>;
  readonly log: Logger;
  /** Those that are inside. */
  listeners(): readonly InsideListener<L>[];
}

export class ListenNamespace<L extends Listener> {
  readonly #name: string;
  readonly #host: ListenNamespaceHost<L>;
  #namespace: FollowedNamespace | undefined;
  #timesEnded = 0;
  /** Those that ended with the namespace and are not bound again, by their service. */
  readonly #ended = new Map<PublishedService, InsideListener<L>>();
  /** Done when those are closed. */
  #closing: Promise<unknown> = Promise.resolve();
  /** Done when none is being bound; never fails. */
  #binding: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #failing = false;
  #closed = false;

  constructor(spec: NamespaceSpec, host: ListenNamespaceHost<L>) {
    this.#name = formatListenNamespace(spec);
    this.#host = host;
  }

  async open(follow: (events: NamespaceEvents) => Promise<FollowedNamespace>): Promise<void> {
    const { log } = this.#host;
    this.#namespace = await follow({
      gone: () => this.#gone(),
      came: () => this.#bindAgain(),
      ending: () => undefined,
      trouble: (message) => log.warn(message),
      recovered: (message) => log.info(message),
    });
  }

  /** By which it is bound in; it stays the same. */
  get path(): string | undefined {
    return this.#namespace?.path;
  }

  get timesEnded(): number {
    return this.#timesEnded;
  }

  /** Some were bound in a namespace that had ended before they were served: nobody reaches those. */
  bindAnew(): void {
    this.#endAll();
    if (this.#usable()) this.#bindAgain();
  }

  /** Binds no more; the services there are stay their owner's to end. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#namespace?.close();
  }

  #gone(): void {
    this.#timesEnded += 1;
    this.#endAll();
    const until = this.#namespace?.lost === true ? 'and will not come back' : 'until it comes back';
    this.#host.log.warn(
      `${this.#name} has ended: nothing listens inside ${until}, and the flows from there are ended`,
    );
  }

  #endAll(): void {
    clearTimeout(this.#retry);
    const ending = this.#host.listeners().map((inside) => {
      this.#ended.set(inside.service, inside);
      return inside.service.service.close();
    });
    this.#closing = Promise.all([this.#closing, ...ending]);
  }

  /** One after the other: two at once would find each other's ports taken. */
  #bindAgain(): void {
    this.#binding = this.#binding.then(() => this.#bindEnded());
  }

  async #bindEnded(): Promise<void> {
    if (this.#ended.size === 0) return;
    try {
      await this.#closing;
      for (const inside of this.#ended.values()) await this.#bindOne(inside);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!this.#usable() || this.#ended.size > 0) return;
    this.#failing = false;
    this.#host.log.info(`listening inside ${this.#name} again`);
  }

  async #bindOne(inside: InsideListener<L>): Promise<void> {
    const { mapping, service } = inside;
    if (!this.#usable()) return;
    const listener = inside.wanted() ? await this.#bind(mapping, service) : undefined;
    if (listener !== undefined && this.#isWanted(inside)) inside.serve(listener);
    else await listener?.close();
    if (this.#usable()) this.#ended.delete(service);
  }

  async #bind(mapping: Mapping, { endpoint }: PublishedService): Promise<L> {
    try {
      return await this.#host.binder.bind(mapping.protocol, endpoint, this.path);
    } catch (error) {
      throw bindError(endpoint, error, formatInside(mapping));
    }
  }

  /** A namespace is there before its addresses are. */
  #failed(error: unknown): void {
    if (!this.#usable()) return;
    if (!this.#failing) this.#host.log.warn(`${messageOf(error)}; it is tried again`);
    this.#failing = true;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#bindAgain(), limits.namespaceLookMs);
    this.#retry.unref();
  }

  /** It has not ended or been unpublished while it was being bound. */
  #isWanted(inside: InsideListener<L>): boolean {
    return this.#usable() && inside.wanted() && this.#ended.has(inside.service);
  }

  #usable(): boolean {
    return !this.#closed && this.#namespace?.there === true;
  }
}

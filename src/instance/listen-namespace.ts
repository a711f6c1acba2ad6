/**
 * The listeners inside one network namespace that is not our own. They end with it, flows and all, and are bound again,
 * on the same addresses and ports, as soon as it is there again.
 */
import type { Logger } from 'pino';
import type { Endpoint } from '../address/endpoint.js';
import type { Listener, Service } from '../engine/engine.js';
import { messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { bindError } from '../listener/bind-error.js';
import type { Binder } from '../listener/binder.js';
import { formatListenNamespace } from '../publish/listen-namespace.js';
import { formatInside, type Mapping } from '../publish/mapping.js';
import type { NamespaceSpec } from '../publish/target-spec.js';
import type { FollowedNamespace, NamespaceEvents } from '../target/netns-follower.js';

/** A listener of a mapping, and its service while it has one. */
export interface InsideListener {
  readonly mapping: Mapping;
  readonly endpoint: Endpoint;
  /** The service number that its flow ends carry. */
  readonly number: number;
  service: Service | undefined;
}

export interface ListenNamespaceHost<L extends Listener> {
  readonly binder: Binder<L>;
  readonly log: Logger;
  /** Those that belong in here. */
  listeners(): readonly InsideListener[];
  serve(listener: L, of: InsideListener): Service;
}

/** @throws SluiceError where there is no such namespace, or where we may not enter it */
export async function openListenNamespace<L extends Listener>(
  spec: NamespaceSpec,
  host: ListenNamespaceHost<L>,
): Promise<ListenNamespace<L>> {
  // It needs system calls, which an instance without such mappings does without.
  const { followNamespace } = await import('../target/netns-follower.js');
  const inside = new ListenNamespace(spec, host);
  await inside.open((events) => followNamespace(spec, events));
  return inside;
}

export class ListenNamespace<L extends Listener> {
  readonly #name: string;
  readonly #host: ListenNamespaceHost<L>;
  #namespace: FollowedNamespace | undefined;
  /** Done when what listened in the namespace that has gone is closed. */
  #ended: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #failing = false;
  #serving = false;
  /** It ended after its first listeners were bound and before they were served: those are of no use. */
  #endedEarly = false;
  #closed = false;

  constructor(spec: NamespaceSpec, host: ListenNamespaceHost<L>) {
    this.#name = formatListenNamespace(spec);
    this.#host = host;
  }

  async open(follow: (events: NamespaceEvents) => Promise<FollowedNamespace>): Promise<void> {
    const { log } = this.#host;
    this.#namespace = await follow({
      gone: () => this.#gone(),
      came: () => void this.#bindAgain(),
      ending: () => undefined,
      trouble: (message) => log.warn(message),
      recovered: (message) => log.info(message),
    });
  }

  /** By which it is bound in; it stays the same. */
  get path(): string | undefined {
    return this.#namespace?.path;
  }

  /** The first listeners are served: from here on they are ended with the namespace. */
  serving(): void {
    this.#serving = true;
    if (!this.#endedEarly) return;
    this.#gone();
    if (this.#namespace?.there === true) void this.#bindAgain();
  }

  /** Binds no more; the services there are stay their owner's to end. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#namespace?.close();
  }

  #gone(): void {
    clearTimeout(this.#retry);
    if (!this.#serving) {
      this.#endedEarly = true;
      return;
    }
    const services = this.#host.listeners().map((listener) => {
      const { service } = listener;
      listener.service = undefined;
      return service?.close();
    });
    this.#ended = Promise.all([this.#ended, ...services]);
    const until = this.#namespace?.lost === true ? 'and will not come back' : 'until it comes back';
    this.#host.log.warn(
      `${this.#name} has ended: nothing listens inside ${until}, and the flows from there are ended`,
    );
  }

  async #bindAgain(): Promise<void> {
    if (!this.#serving) return;
    await this.#ended;
    try {
      for (const listener of this.#host.listeners()) await this.#bindOne(listener);
    } catch (error) {
      this.#failed(error);
      return;
    }
    if (!this.#usable()) return;
    this.#failing = false;
    this.#host.log.info(`listening inside ${this.#name} again`);
  }

  async #bindOne(inside: InsideListener): Promise<void> {
    const { mapping, endpoint } = inside;
    if (inside.service !== undefined || !this.#usable()) return;
    let listener: L;
    try {
      listener = await this.#host.binder.bind(mapping.protocol, endpoint, this.path);
    } catch (error) {
      throw bindError(endpoint, error, formatInside(mapping));
    }
    if (this.#usable()) inside.service = this.#host.serve(listener, inside);
    else await listener.close();
  }

  /** A namespace is there before its addresses are. */
  #failed(error: unknown): void {
    if (!this.#usable()) return;
    if (!this.#failing) this.#host.log.warn(`${messageOf(error)}; it is tried again`);
    this.#failing = true;
    this.#retry = setTimeout(() => void this.#bindAgain(), limits.namespaceLookMs);
    this.#retry.unref();
  }

  #usable(): boolean {
    return !this.#closed && this.#namespace?.there === true;
  }
}

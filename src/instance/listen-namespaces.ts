/** The namespaces that an instance listens in beside its own, each followed for as long as a mapping is inside. */
import type { Logger } from 'pino';
import type { Listener } from '../engine/engine.js';
import type { Binder } from '../listener/binder.js';
import { formatInside, type Mapping } from '../publish/mapping.js';
import { type InsideListener, ListenNamespace } from './listen-namespace.js';

export class ListenNamespaces<L extends Listener> {
  readonly #open = new Map<string, ListenNamespace<L>>();
  readonly #binder: Binder<L>;
  readonly #log: Logger;
  readonly #listeners: () => readonly InsideListener<L>[];

  /** @param listeners all that are served, inside or not */
  constructor(binder: Binder<L>, log: Logger, listeners: () => readonly InsideListener<L>[]) {
    this.#binder = binder;
    this.#log = log;
    this.#listeners = listeners;
  }

  /** @throws SluiceError where there is no such namespace, or where we may not enter it */
  async open(mappings: readonly Mapping[]): Promise<void> {
    for (const mapping of mappings) {
      const { in: spec } = mapping;
      const key = formatInside(mapping);
      if (spec === undefined || this.#open.has(key)) continue;
      // It needs system calls, which an instance without such mappings does without.
      const { followNamespace } = await import('../target/netns-follower.js');
      const namespace = new ListenNamespace<L>(spec, {
        binder: this.#binder,
        log: this.#log,
        listeners: () => this.#listeners().filter((inside) => formatInside(inside.mapping) === key),
      });
      await namespace.open((events) => followNamespace(spec, events));
      // Another request may have been quicker.
      if (this.#open.has(key)) namespace.close();
      else this.#open.set(key, namespace);
    }
  }

  pathOf(mapping: Mapping): string | undefined {
    return this.#open.get(formatInside(mapping))?.path;
  }

  /** How often each has ended so far. */
  timesEnded(): ReadonlyMap<ListenNamespace<L>, number> {
    return new Map([...this.#open.values()].map((namespace) => [namespace, namespace.timesEnded]));
  }

  /** What was bound when they had ended so often is served by now. */
  served(timesEnded: ReadonlyMap<ListenNamespace<L>, number>): void {
    for (const [namespace, times] of timesEnded) {
      if (namespace.timesEnded !== times) namespace.bindAnew();
    }
  }

  /** Follows those of these mappings on, and no others. */
  keep(mappings: readonly Mapping[]): void {
    const wanted = new Set(mappings.map(formatInside));
    for (const [key, namespace] of this.#open) {
      if (wanted.has(key)) continue;
      namespace.close();
      this.#open.delete(key);
    }
  }

  closeAll(): void {
    this.keep([]);
  }
}

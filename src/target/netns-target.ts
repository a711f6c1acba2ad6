/**
 * An address inside a network namespace. Whoever dials opens the namespace by its path, enters it, and closes it again:
 * the target holds none open, so that one which was deleted really goes.
 */
import { limits } from '../limits.js';
import { formatTarget, type TargetSpec } from '../publish/target-spec.js';
import { type FollowedNamespace, followNamespace } from './netns-follower.js';
import type { Target, TargetEvents, TargetHost, TargetState } from './target.js';

export type NetnsTargetSpec = Extract<TargetSpec, { kind: 'netns' }>;

/** @throws SluiceError where there is no such namespace, or where we may not enter it */
export async function openNetnsTarget(spec: NetnsTargetSpec, events: TargetEvents): Promise<Target> {
  const target = new NetnsTarget(spec, events);
  await target.open();
  return target;
}

class NetnsTarget implements Target {
  readonly #spec: NetnsTargetSpec;
  readonly #name: string;
  readonly #events: TargetEvents;
  #namespace: FollowedNamespace | undefined;
  #host: TargetHost | undefined;
  /** Runs while it has only just come, or may be about to end. */
  #settles: NodeJS.Timeout | undefined;

  constructor(spec: NetnsTargetSpec, events: TargetEvents) {
    this.#spec = spec;
    this.#name = formatTarget(spec);
    this.#events = events;
  }

  async open(): Promise<void> {
    const { namespace, ip } = this.#spec;
    this.#namespace = await followNamespace(namespace, {
      ...this.#events,
      gone: () => this.#gone(),
      came: () => this.#came(),
      ending: () => this.#settle(),
    });
    this.#host = { kind: 'ip', ip, namespace: this.#namespace.path };
  }

  state(): TargetState {
    if (this.#host === undefined || this.#namespace?.there !== true) {
      return { hosts: [], settling: this.#namespace?.lost !== true };
    }
    // Whoever waits for what has ended for good waits in vain.
    const followed = this.#spec.namespace.kind !== 'pid';
    return { hosts: [this.#host], settling: this.#settles !== undefined, followed };
  }

  close(): void {
    clearTimeout(this.#settles);
    this.#namespace?.close();
  }

  #gone(): void {
    clearTimeout(this.#settles);
    this.#settles = undefined;
    if (this.#host !== undefined) this.#events.gone([this.#host]);
    this.#events.trouble(
      this.#namespace?.lost === true
        ? `${this.#name} has ended and will not come back; its flows are reset (target-unreachable)`
        : `${this.#name} is gone; its flows wait for it to come back`,
    );
  }

  #came(): void {
    this.#settle();
    this.#events.recovered(`${this.#name} is there again`);
  }

  #settle(): void {
    clearTimeout(this.#settles);
    this.#settles = setTimeout(() => {
      this.#settles = undefined;
      this.#events.changed();
    }, limits.settlingMs);
    this.#settles.unref();
    this.#events.changed();
  }
}

/**
 * A DNS name, looked up as the rest of the machine looks names up (getaddrinfo: hosts file, search domains and all)
 * and again every so often, since that answer carries no TTL. A look-up that fails keeps the last answer.
 */
import { lookup } from 'node:dns/promises';
import { parseIp } from '../address/ip.js';
import { errnoOf, messageOf } from '../errors.js';
import { limits } from '../limits.js';
import type { Target, TargetEvents, TargetHost } from './target.js';

/** The addresses of a name, in the resolver's order of preference. */
export type LookUp = (name: string) => Promise<readonly { readonly address: string }[]>;

const systemLookUp: LookUp = (name) => lookup(name, { all: true, verbatim: true });

export async function openDnsTarget(
  name: string,
  events: TargetEvents,
  lookUp: LookUp = systemLookUp,
): Promise<Target> {
  const target = new DnsTarget(name, events, lookUp);
  await target.firstAnswer();
  return target;
}

class DnsTarget implements Target {
  readonly #name: string;
  readonly #events: TargetEvents;
  readonly #lookUp: LookUp;
  #hosts: readonly TargetHost[] = [];
  #failing = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, events: TargetEvents, lookUp: LookUp) {
    this.#name = name;
    this.#events = events;
    this.#lookUp = lookUp;
  }

  hosts(): readonly TargetHost[] {
    return this.#hosts;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Done with the first answer, good or bad, or when a resolver that does not answer has held the start up enough. */
  async firstAnswer(): Promise<void> {
    let giveUp: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      giveUp = setTimeout(resolve, limits.dnsFirstAnswerMs);
    });
    await Promise.race([this.#refresh(), patience]);
    clearTimeout(giveUp);
  }

  async #refresh(): Promise<void> {
    let waitMs: number = limits.dnsRefreshMs;
    try {
      const answer = await this.#lookUp(this.#name);
      if (!this.#closed) this.#take(answer.map(({ address }) => address));
    } catch (error) {
      waitMs = limits.dnsRetryMs;
      if (!this.#closed) this.#failed(error);
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#refresh(), waitMs);
    this.#timer.unref();
  }

  #take(addresses: readonly string[]): void {
    const parsed = addresses.flatMap((text) => parseIp(text) ?? []);
    const ips = [...new Map(parsed.map((ip) => [ip.text, ip])).values()].slice(0, limits.addressesPerName);
    if (this.#failing) this.#events.recovered(`${this.#name} resolves again: ${addresses.join(', ')}`);
    this.#failing = false;
    const before = this.#hosts.map((host) => (host.kind === 'ip' ? host.ip.text : host.path));
    if (before.join() === ips.map((ip) => ip.text).join()) return;
    this.#hosts = ips.map((ip) => ({ kind: 'ip', ip }));
    this.#events.changed();
  }

  #failed(error: unknown): void {
    if (this.#failing) return;
    this.#failing = true;
    const reason = reasons[errnoOf(error) ?? ''] ?? messageOf(error);
    const meanwhile =
      this.#hosts.length === 0
        ? 'its flows are refused until it resolves'
        : 'flows go on to the addresses it had';
    this.#events.trouble(`cannot resolve ${this.#name}: ${reason}; ${meanwhile}`);
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the resolver did not answer',
};

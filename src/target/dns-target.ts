/**
 * A DNS name, looked up as the rest of the machine looks names up (getaddrinfo: hosts file, search domains and all)
 * and again when its TTL is over, or every so often where the DNS tells none. A look-up that fails keeps the last answer.
 */
import { lookup } from 'node:dns/promises';
import { parseIp } from '../address/ip.js';
import { errnoOf, messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { waitAtMost } from '../wait-at-most.js';
import type { Target, TargetEvents, TargetHost, TargetState } from './target.js';
import { timeToLiveMs } from './time-to-live.js';

export interface NameService {
  /** The addresses of a name, in the resolver's order of preference. */
  readonly lookUp: (name: string) => Promise<readonly { readonly address: string }[]>;
  /** How long they hold; undefined where nobody says. It does not fail. */
  readonly timeToLiveMs: (name: string) => Promise<number | undefined>;
}

export const systemNames: NameService = {
  lookUp: (name) => lookup(name, { all: true, verbatim: true }),
  timeToLiveMs,
};

export async function openDnsTarget(
  name: string,
  events: TargetEvents,
  names: NameService = systemNames,
): Promise<Target> {
  const target = new DnsTarget(name, events, names);
  await target.firstAnswer();
  return target;
}

class DnsTarget implements Target {
  readonly #name: string;
  readonly #events: TargetEvents;
  readonly #names: NameService;
  #hosts: readonly TargetHost[] = [];
  /** Every address of the last answer, in an order of our own. */
  #known = '';
  /** What was told and is not over: that look-ups fail, or that the first answer is late. */
  #trouble: 'none' | 'failing' | 'late' = 'none';
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, events: TargetEvents, names: NameService) {
    this.#name = name;
    this.#events = events;
    this.#names = names;
  }

  /** An address that a name no longer has may still be somebody's: flows to it go on, and it is never told as gone. */
  state(): TargetState {
    return { hosts: this.#hosts, settling: this.#hosts.length === 0 };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Done with the first answer, good or bad, or when a resolver that does not answer has held the start up enough. */
  firstAnswer(): Promise<void> {
    return waitAtMost(limits.dnsFirstAnswerMs, this.#refresh(), () => this.#late());
  }

  async #refresh(): Promise<void> {
    try {
      const answer = await this.#names.lookUp(this.#name);
      if (this.#closed) return;
      this.#take(answer.map(({ address }) => address));
      // Nobody waits for this: the addresses are in use already.
      void this.#names.timeToLiveMs(this.#name).then((ms) => this.#refreshIn(boundedRefreshMs(ms)));
    } catch (error) {
      if (this.#closed) return;
      this.#failed(error);
      this.#refreshIn(limits.dnsRetryMs);
    }
  }

  #refreshIn(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#refresh(), ms);
    this.#timer.unref();
  }

  #take(addresses: readonly string[]): void {
    const parsed = addresses.flatMap((text) => parseIp(text) ?? []);
    const ips = new Map(parsed.map((ip) => [ip.text, ip]));
    if (this.#trouble !== 'none') {
      const again = this.#trouble === 'failing' ? 'resolves again' : 'resolves';
      this.#events.recovered(`${this.#name} ${again}: ${addresses.join(', ')}`);
    }
    this.#trouble = 'none';
    // Resolvers turn their answers round from one time to the next: that is no news.
    const known = [...ips.keys()].sort().join();
    if (known === this.#known) return;
    this.#known = known;
    this.#hosts = [...ips.values()].slice(0, limits.addressesPerName).map((ip) => ({ kind: 'ip', ip }));
    this.#events.changed();
  }

  #late(): void {
    this.#trouble = 'late';
    this.#events.trouble(`${this.#name} is still being resolved; ${flowsWithoutAddress}`);
  }

  #failed(error: unknown): void {
    if (this.#trouble === 'failing') return;
    this.#trouble = 'failing';
    const reason = reasons[errnoOf(error) ?? ''] ?? messageOf(error);
    const meanwhile = this.#hosts.length === 0 ? flowsWithoutAddress : 'flows go on to the addresses it had';
    this.#events.trouble(`cannot resolve ${this.#name}: ${reason}; ${meanwhile}`);
  }
}

function boundedRefreshMs(timeToLive: number | undefined): number {
  if (timeToLive === undefined) return limits.dnsRefreshMs;
  return Math.min(Math.max(timeToLive, limits.dnsRefreshLeastMs), limits.dnsRefreshMostMs);
}

const flowsWithoutAddress = 'until it resolves its flows wait, then are reset (target-unreachable)';

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the resolver did not answer',
};

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { type NameService, openDnsTarget } from '../../src/target/dns-target.js';
import type { Target } from '../../src/target/target.js';

const noSuchName = Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' });

type Answer = readonly string[] | Error | 'silence';

/** A resolver that gives each of the answers in turn, and the last one ever after. */
class Resolver {
  asked = 0;
  readonly #answers: readonly Answer[];

  constructor(...answers: Answer[]) {
    this.#answers = answers;
  }

  readonly lookUp: NameService['lookUp'] = async () => {
    const answer = this.#answers[Math.min(this.asked, this.#answers.length - 1)] ?? [];
    this.asked += 1;
    if (answer === 'silence') return new Promise(() => undefined);
    if (answer instanceof Error || !Array.isArray(answer)) throw answer;
    return answer.map((address) => ({ address }));
  };
}

/** Its answers hold for so long; undefined: nobody says. */
let holdsMs: number | undefined;
const named = (lookUp: NameService['lookUp']): NameService => ({
  lookUp,
  timeToLiveMs: () => Promise.resolve(holdsMs),
});

const told: string[] = [];
const events = {
  changed: () => told.push('changed'),
  gone: () => told.push('gone'),
  trouble: (message: string) => told.push(`trouble: ${message}`),
  recovered: (message: string) => told.push(`recovered: ${message}`),
};
const open: Target[] = [];

async function openTarget(resolver: Resolver): Promise<Target> {
  const target = await openDnsTarget('db', events, named(resolver.lookUp));
  open.push(target);
  return target;
}

const addressesOf = (target: Target) =>
  target.state().hosts.map((host) => (host.kind === 'ip' ? host.ip.text : host.path));

beforeEach(() => {
  jest.useFakeTimers();
  told.length = 0;
  holdsMs = undefined;
});

afterEach(() => {
  for (const target of open.splice(0)) target.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe('the addresses of a name', () => {
  it('are known when the target is open, in the order of the resolver', async () => {
    const target = await openTarget(new Resolver(['10.0.0.2', 'fd00::1', '10.0.0.1']));
    expect(addressesOf(target)).toEqual(['10.0.0.2', 'fd00::1', '10.0.0.1']);
    expect(told).toEqual(['changed']);
  });

  it('are each there once', async () => {
    const target = await openTarget(new Resolver(['10.0.0.1', '10.0.0.2', '10.0.0.1', '::ffff:10.0.0.2']));
    expect(addressesOf(target)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('are bounded', async () => {
    const answer = Array.from({ length: limits.addressesPerName + 4 }, (_, index) => `10.0.0.${index}`);
    const target = await openTarget(new Resolver(answer));
    expect(addressesOf(target)).toEqual(answer.slice(0, limits.addressesPerName));
  });

  it('leave out what is no address', async () => {
    const target = await openTarget(new Resolver(['', 'db', '10.0.0.1']));
    expect(addressesOf(target)).toEqual(['10.0.0.1']);
  });
});

describe('a name settles', () => {
  it('while it has no address, and no longer', async () => {
    const target = await openTarget(new Resolver(noSuchName, ['10.0.0.1'], noSuchName));
    expect(target.state().settling).toBe(true);
    await jest.advanceTimersByTimeAsync(limits.dnsRetryMs);
    expect(target.state().settling).toBe(false);
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect(target.state().settling).toBe(false);
  });
});

describe('a name is looked up again', () => {
  it('every so often, and tells of an answer only when it is another', async () => {
    const resolver = new Resolver(['10.0.0.1'], ['10.0.0.1'], ['10.0.0.2']);
    const target = await openTarget(resolver);
    told.length = 0;
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect([resolver.asked, ...told]).toEqual([2]);
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect([resolver.asked, ...told]).toEqual([3, 'changed']);
    expect(addressesOf(target)).toEqual(['10.0.0.2']);
  });

  it("and an address it has no more is not told as gone: it may be somebody's still", async () => {
    await openTarget(new Resolver(['10.0.0.1'], ['10.0.0.2']));
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect(told).toEqual(['changed', 'changed']);
  });

  it('and an answer in another order is no other one', async () => {
    const target = await openTarget(new Resolver(['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.0.0.1']));
    told.length = 0;
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect(told).toEqual([]);
    expect(addressesOf(target)).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  it('and more addresses than are dialled, turned round, are no other answer', async () => {
    const answer = Array.from({ length: limits.addressesPerName + 4 }, (_, index) => `10.0.0.${index}`);
    const target = await openTarget(new Resolver(answer, answer.toReversed()));
    told.length = 0;
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs);
    expect(told).toEqual([]);
    expect(addressesOf(target)).toEqual(answer.slice(0, limits.addressesPerName));
  });

  it('not before its time', async () => {
    const resolver = new Resolver(['10.0.0.1']);
    await openTarget(resolver);
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs - 1);
    expect(resolver.asked).toBe(1);
  });

  it.each([
    ['when its TTL is over', 7_000, 7_000],
    ['a second after a TTL of 0', 0, limits.dnsRefreshLeastMs],
    ['after some minutes of a TTL of a day', 86_400_000, limits.dnsRefreshMostMs],
  ])('%s', async (_, timeToLiveMs, afterMs) => {
    holdsMs = timeToLiveMs;
    const resolver = new Resolver(['10.0.0.1']);
    await openTarget(resolver);
    await jest.advanceTimersByTimeAsync(afterMs - 1);
    expect(resolver.asked).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(resolver.asked).toBe(2);
  });

  it('not once it is closed', async () => {
    const resolver = new Resolver(['10.0.0.1']);
    const target = await openTarget(resolver);
    target.close();
    await jest.advanceTimersByTimeAsync(10 * limits.dnsRefreshMs);
    expect(resolver.asked).toBe(1);
  });
});

describe('a look-up that fails', () => {
  it('keeps the last answer, is told once, and is tried again soon', async () => {
    const resolver = new Resolver(['10.0.0.1'], noSuchName);
    const target = await openTarget(resolver);
    told.length = 0;
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs + 5 * limits.dnsRetryMs);
    expect(resolver.asked).toBe(7);
    expect(addressesOf(target)).toEqual(['10.0.0.1']);
    expect(told).toEqual(['trouble: cannot resolve db: no such name; flows go on to the addresses it had']);
  });

  it('is told when it is over, and again when it comes back', async () => {
    const target = await openTarget(new Resolver(['10.0.0.1'], noSuchName, ['10.0.0.1'], noSuchName));
    told.length = 0;
    await jest.advanceTimersByTimeAsync(limits.dnsRefreshMs + limits.dnsRetryMs + limits.dnsRefreshMs);
    expect(told).toEqual([
      'trouble: cannot resolve db: no such name; flows go on to the addresses it had',
      'recovered: db resolves again: 10.0.0.1',
      'trouble: cannot resolve db: no such name; flows go on to the addresses it had',
    ]);
    expect(addressesOf(target)).toEqual(['10.0.0.1']);
  });

  it('at first leaves no address, and the target open all the same', async () => {
    const target = await openTarget(new Resolver(noSuchName, ['10.0.0.1']));
    expect(addressesOf(target)).toEqual([]);
    expect(told).toEqual([
      'trouble: cannot resolve db: no such name; until it resolves its flows wait, then are reset (target-unreachable)',
    ]);
    await jest.advanceTimersByTimeAsync(limits.dnsRetryMs);
    expect(addressesOf(target)).toEqual(['10.0.0.1']);
    expect(told.slice(1)).toEqual(['recovered: db resolves again: 10.0.0.1', 'changed']);
  });

  it('is told in words for a resolver that does not answer, and in its own where we have none', async () => {
    const again = Object.assign(new Error('getaddrinfo EAI_AGAIN db'), { code: 'EAI_AGAIN' });
    await openTarget(new Resolver(again));
    await openTarget(new Resolver(new Error('out of luck')));
    expect(told).toEqual([
      'trouble: cannot resolve db: the resolver did not answer; until it resolves its flows wait, then are reset (target-unreachable)',
      'trouble: cannot resolve db: out of luck; until it resolves its flows wait, then are reset (target-unreachable)',
    ]);
  });
});

describe('a resolver that never answers', () => {
  it('holds the start up for a bounded time', async () => {
    let target: Target | undefined;
    const opening = openTarget(new Resolver('silence')).then((opened) => {
      target = opened;
    });
    await jest.advanceTimersByTimeAsync(limits.dnsFirstAnswerMs - 1);
    expect(target).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1);
    await opening;
    expect(target?.state()).toEqual({ hosts: [], settling: true });
  });

  it('may answer late', async () => {
    let answer: (addresses: { address: string }[]) => void = () => undefined;
    const opening = openDnsTarget(
      'db',
      events,
      named(() => new Promise((resolve) => (answer = resolve))),
    );
    await jest.advanceTimersByTimeAsync(limits.dnsFirstAnswerMs);
    const target = await opening;
    open.push(target);
    answer([{ address: '10.0.0.1' }]);
    await jest.advanceTimersByTimeAsync(0);
    expect(addressesOf(target)).toEqual(['10.0.0.1']);
    expect(told).toEqual([
      'trouble: db is still being resolved; until it resolves its flows wait, then are reset (target-unreachable)',
      'recovered: db resolves: 10.0.0.1',
      'changed',
    ]);
  });

  it('may fail late, which is told too', async () => {
    let fail: (error: Error) => void = () => undefined;
    const opening = openDnsTarget(
      'db',
      events,
      named(() => new Promise((_, reject) => (fail = reject))),
    );
    await jest.advanceTimersByTimeAsync(limits.dnsFirstAnswerMs);
    open.push(await opening);
    told.length = 0;
    fail(noSuchName);
    await jest.advanceTimersByTimeAsync(0);
    expect(told).toEqual([
      'trouble: cannot resolve db: no such name; until it resolves its flows wait, then are reset (target-unreachable)',
    ]);
  });

  it('is not listened to once the target is closed', async () => {
    let answer: (addresses: { address: string }[]) => void = () => undefined;
    const opening = openDnsTarget(
      'db',
      events,
      named(() => new Promise((resolve) => (answer = resolve))),
    );
    await jest.advanceTimersByTimeAsync(limits.dnsFirstAnswerMs);
    const target = await opening;
    target.close();
    told.length = 0;
    answer([{ address: '10.0.0.1' }]);
    await jest.advanceTimersByTimeAsync(0);
    expect(addressesOf(target)).toEqual([]);
    expect(told).toEqual([]);
  });
});

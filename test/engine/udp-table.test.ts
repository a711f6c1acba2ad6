import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type UdpEntry, UdpTable } from '../../src/engine/udp-table.js';

const timeouts = { unansweredMs: 30, answeredMs: 90 };
const entry = (key: number): UdpEntry<number> => ({ key });

/** A table with associations of these keys, each added a millisecond after the one before. */
function tableOf(...keys: number[]): UdpTable<number, UdpEntry<number>> {
  const table = new UdpTable<number, UdpEntry<number>>(timeouts);
  for (const [nowMs, key] of keys.entries()) table.add(entry(key), nowMs);
  return table;
}

describe('an association', () => {
  it('is found by its key until it is deleted', () => {
    const table = tableOf(1, 2);
    expect(table.get(1)).toEqual(entry(1));
    table.delete(1);
    expect(table.get(1)).toBeUndefined();
    expect([...table.entries()]).toEqual([entry(2)]);
  });

  it('expires after the shorter timeout while its target has not answered', () => {
    const table = tableOf(1);
    expect(table.nextExpiryMs()).toBe(30);
    expect(table.takeExpired(29)).toBeUndefined();
    expect(table.takeExpired(30)).toEqual(entry(1));
    expect(table.size).toBe(0);
  });

  it('expires after the longer timeout once its target has answered', () => {
    const table = tableOf(1);
    table.renew(1, 10, true);
    expect(table.takeExpired(99)).toBeUndefined();
    expect(table.takeExpired(100)).toEqual(entry(1));
  });

  it('stays answered when its client goes on', () => {
    const table = tableOf(1);
    table.renew(1, 10, true);
    table.renew(1, 20, false);
    expect(table.nextExpiryMs()).toBe(110);
  });

  it('is renewed by its client before it is answered, with the shorter timeout', () => {
    const table = tableOf(1);
    table.renew(1, 20, false);
    expect(table.nextExpiryMs()).toBe(50);
  });

  it('follows timeouts that are changed while it lives', () => {
    const table = tableOf(1);
    table.setTimeouts({ unansweredMs: 5, answeredMs: 5 });
    expect(table.nextExpiryMs()).toBe(5);
  });
});

describe('the table', () => {
  it('has no next expiry while it is empty', () => {
    expect(tableOf().nextExpiryMs()).toBe(Number.POSITIVE_INFINITY);
    expect(tableOf().takeExpired(1e9)).toBeUndefined();
    expect(tableOf().quietest()).toBeUndefined();
  });

  it('evicts whoever was idle longest, answered or not', () => {
    const table = tableOf(1, 2, 3);
    table.renew(1, 10, true);
    table.renew(2, 11, false);
    expect(table.quietest()).toEqual(entry(3));
    table.delete(3);
    expect(table.quietest()).toEqual(entry(1));
  });

  it('passes over keys that it does not have', () => {
    const table = tableOf(1);
    table.renew(9, 5, true);
    table.delete(9);
    expect([...table.entries()]).toEqual([entry(1)]);
  });
});

/** The same policy, as plainly as it can be written. */
class Model {
  readonly #rows: { key: number; lastActiveMs: number; answered: boolean }[] = [];
  timeouts = timeouts;

  keys(): number[] {
    return this.#rows.map(({ key }) => key);
  }

  add(key: number, nowMs: number): void {
    this.#rows.push({ key, lastActiveMs: nowMs, answered: false });
  }

  renew(key: number, nowMs: number, answered: boolean): void {
    const row = this.#rows.find((candidate) => candidate.key === key);
    if (row === undefined) return;
    row.lastActiveMs = nowMs;
    row.answered ||= answered;
  }

  delete(key: number): void {
    const index = this.#rows.findIndex((row) => row.key === key);
    if (index >= 0) this.#rows.splice(index, 1);
  }

  /** Those idle longest: more than one where several were last active at once. */
  quietest(): number[] {
    const least = Math.min(...this.#rows.map(({ lastActiveMs }) => lastActiveMs));
    return this.#rows.filter(({ lastActiveMs }) => lastActiveMs === least).map(({ key }) => key);
  }

  dueMs(key: number): number {
    const row = this.#rows.find((candidate) => candidate.key === key);
    if (row === undefined) return Number.NaN;
    return row.lastActiveMs + (row.answered ? this.timeouts.answeredMs : this.timeouts.unansweredMs);
  }

  nextExpiryMs(): number {
    return Math.min(...this.keys().map((key) => this.dueMs(key)));
  }
}

const key = fc.nat({ max: 11 });
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), key }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('renew' as const), key, answered: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('evict' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('timeouts' as const),
      unansweredMs: fc.nat({ max: 40 }),
      answeredMs: fc.nat({ max: 120 }),
    }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

class Comparison {
  readonly #table = tableOf();
  readonly #model = new Model();
  #nowMs = 0;

  step(waitMs: number, asked: Operation): void {
    this.#nowMs += waitMs;
    this.#do(asked);
    expect([...this.#table.entries()].map((found) => found.key).sort()).toEqual(this.#model.keys().sort());
    expect(this.#table.size).toBe(this.#model.keys().length);
    expect(this.#table.nextExpiryMs()).toBe(this.#model.nextExpiryMs());
  }

  #do(asked: Operation): void {
    const nowMs = this.#nowMs;
    if (asked.kind === 'add') {
      if (this.#table.get(asked.key) !== undefined) return;
      this.#table.add(entry(asked.key), nowMs);
      this.#model.add(asked.key, nowMs);
    } else if (asked.kind === 'renew') {
      this.#table.renew(asked.key, nowMs, asked.answered);
      this.#model.renew(asked.key, nowMs, asked.answered);
    } else if (asked.kind === 'delete') {
      this.#table.delete(asked.key);
      this.#model.delete(asked.key);
    } else if (asked.kind === 'timeouts') {
      this.#table.setTimeouts(asked);
      this.#model.timeouts = asked;
    } else if (asked.kind === 'evict') this.#evict();
    else this.#expire();
  }

  #evict(): void {
    const quietest = this.#table.quietest();
    if (quietest === undefined) {
      expect(this.#model.keys()).toEqual([]);
      return;
    }
    expect(this.#model.quietest()).toContain(quietest.key);
    this.#table.delete(quietest.key);
    this.#model.delete(quietest.key);
  }

  /** Whatever is due goes, soonest first, and nothing else. */
  #expire(): void {
    for (;;) {
      const nextMs = this.#model.nextExpiryMs();
      const expired = this.#table.takeExpired(this.#nowMs);
      if (expired === undefined) {
        expect(nextMs).toBeGreaterThan(this.#nowMs);
        return;
      }
      expect(this.#model.dueMs(expired.key)).toBe(nextMs);
      this.#model.delete(expired.key);
    }
  }
}

describe('whatever happens to it', () => {
  it('the table does what the plain model does', () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 25 }), operation), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(steps, (happening) => {
        const comparison = new Comparison();
        for (const [waitMs, asked] of happening) comparison.step(waitMs, asked);
      }),
      { numRuns: 400, seed: 1 },
    );
  });
});

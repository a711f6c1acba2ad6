import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UdpEntry, UdpTable, type UdpTableHost } from '../../src/engine/udp-table.js';

const timeouts = { unansweredMs: 30, answeredMs: 90 };

class Association extends UdpEntry<Association> {
  readonly key: number;

  constructor(key: number) {
    super();
    this.key = key;
  }
}

/** What a table asked of its engine. */
class Host implements UdpTableHost<Association> {
  readonly expired: Association[] = [];
  readonly evicted: Association[] = [];
  wakesAtMs = Number.POSITIVE_INFINITY;

  wakeAt(atMs: number): void {
    this.wakesAtMs = atMs;
  }

  ended: UdpTableHost<Association>['ended'] = (entry, reason) => {
    this[reason].push(entry);
  };
}

/** A table with so many associations, each added a millisecond after the one before. */
function tableOf(count: number): { table: UdpTable<Association>; host: Host; associations: Association[] } {
  const host = new Host();
  const table = new UdpTable<Association>(timeouts, host);
  const associations = Array.from({ length: count }, (_, index) => new Association(index + 1));
  for (const [nowMs, association] of associations.entries()) table.add(association, nowMs);
  return { table, host, associations };
}

function tableOfOne(): { table: UdpTable<Association>; host: Host; only: Association } {
  const { table, host, associations } = tableOf(1);
  const [only] = associations;
  if (only === undefined) throw new Error('one was made');
  return { table, host, only };
}

describe('an association', () => {
  it('expires after the shorter timeout while its target has not answered', () => {
    const { table, host, only } = tableOfOne();
    expect(table.nextExpiryMs()).toBe(30);
    table.expire(29);
    expect(host.expired).toEqual([]);
    table.expire(30);
    expect(host.expired).toEqual([only]);
    expect(table.size).toBe(0);
  });

  it('expires after the longer timeout once its target has answered', () => {
    const { table, host, only } = tableOfOne();
    table.renew(only, 10, true);
    table.expire(99);
    expect(host.expired).toEqual([]);
    table.expire(100);
    expect(host.expired).toEqual([only]);
  });

  it('stays answered when its client goes on', () => {
    const { table, only } = tableOfOne();
    table.renew(only, 10, true);
    table.renew(only, 20, false);
    expect(table.nextExpiryMs()).toBe(110);
  });

  it('is renewed by its client before it is answered, with the shorter timeout', () => {
    const { table, only } = tableOfOne();
    table.renew(only, 20, false);
    expect(table.nextExpiryMs()).toBe(50);
  });

  it('follows timeouts that are changed while it lives', () => {
    const { table } = tableOfOne();
    table.setTimeouts({ unansweredMs: 5, answeredMs: 5 });
    expect(table.nextExpiryMs()).toBe(5);
  });
});

describe('the table', () => {
  it('has no next expiry while it is empty', () => {
    const { table, host } = tableOf(0);
    expect(table.nextExpiryMs()).toBe(Number.POSITIVE_INFINITY);
    table.expire(1e9);
    expect(table.evictQuietest()).toBe(false);
    expect([host.expired, host.evicted, host.wakesAtMs]).toEqual([[], [], Number.POSITIVE_INFINITY]);
  });

  it('evicts whoever was idle longest, answered or not', () => {
    const { table, host, associations } = tableOf(3);
    const [first, second, third] = associations;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three were made');
    table.renew(first, 10, true);
    table.renew(second, 11, false);
    table.evictQuietest();
    expect(host.evicted).toEqual([third]);
    table.evictQuietest();
    expect(host.evicted).toEqual([third, first]);
  });

  it('evicts nobody where the one idle longest is to be spared', () => {
    const { table, host, only } = tableOfOne();
    expect(table.evictQuietest(only)).toBe(false);
    expect(host.evicted).toEqual([]);
    expect(table.size).toBe(1);
  });

  it('goes on expiring after an end that throws', () => {
    const { table, host, associations } = tableOf(2);
    host.ended = () => {
      throw new Error('a fault');
    };
    expect(() => table.expire(30)).toThrow('a fault');
    expect(host.wakesAtMs).toBe(31);
    expect(table.size).toBe(associations.length - 1);
  });

  it('asks to be woken when the first expires, and at no other time', () => {
    const { table, host, only } = tableOfOne();
    expect(host.wakesAtMs).toBe(30);
    table.renew(only, 20, false);
    expect(host.wakesAtMs).toBe(30);
    table.expire(30);
    expect(host.wakesAtMs).toBe(50);
    table.setTimeouts({ unansweredMs: 90, answeredMs: 5 });
    expect(host.wakesAtMs).toBe(110);
    table.renew(only, 40, true);
    expect(host.wakesAtMs).toBe(45);
    table.expire(45);
    expect(host.wakesAtMs).toBe(Number.POSITIVE_INFINITY);
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
  readonly #host = new Host();
  readonly #table = new UdpTable<Association>(timeouts, this.#host);
  readonly #inTable = new Map<number, Association>();
  readonly #model = new Model();
  #nowMs = 0;

  step(waitMs: number, asked: Operation): void {
    this.#nowMs += waitMs;
    this.#do(asked);
    expect([...this.#inTable.keys()].sort()).toEqual(this.#model.keys().sort());
    expect(this.#table.size).toBe(this.#model.keys().length);
    expect(this.#table.nextExpiryMs()).toBe(this.#model.nextExpiryMs());
    // The timer may ring early, after a renewal, and never late.
    expect(this.#host.wakesAtMs).toBeLessThanOrEqual(this.#model.nextExpiryMs());
  }

  #do(asked: Operation): void {
    if (asked.kind === 'timeouts') {
      this.#table.setTimeouts(asked);
      this.#model.timeouts = asked;
    } else if (asked.kind === 'evict') this.#evict();
    else if (asked.kind === 'expire') this.#expire();
    else this.#doTo(asked);
  }

  #doTo(asked: Extract<Operation, { key: number }>): void {
    const present = this.#inTable.get(asked.key);
    if (asked.kind === 'add' && present === undefined) {
      const association = new Association(asked.key);
      this.#inTable.set(asked.key, association);
      this.#table.add(association, this.#nowMs);
      this.#model.add(asked.key, this.#nowMs);
    } else if (asked.kind === 'renew' && present !== undefined) {
      this.#table.renew(present, this.#nowMs, asked.answered);
      this.#model.renew(asked.key, this.#nowMs, asked.answered);
    } else if (asked.kind === 'delete' && present !== undefined) {
      this.#table.delete(present);
      this.#forget(present);
    }
  }

  #forget({ key: gone }: Association): void {
    this.#inTable.delete(gone);
    this.#model.delete(gone);
  }

  #evict(): void {
    const quietest = this.#model.quietest();
    expect(this.#table.evictQuietest()).toBe(this.#model.keys().length > 0);
    for (const gone of this.#host.evicted.splice(0)) {
      expect(quietest).toContain(gone.key);
      this.#forget(gone);
    }
  }

  /** Whatever is due goes, soonest first, and nothing else. */
  #expire(): void {
    this.#table.expire(this.#nowMs);
    for (const gone of this.#host.expired.splice(0)) {
      expect(this.#model.dueMs(gone.key)).toBe(this.#model.nextExpiryMs());
      this.#forget(gone);
    }
    expect(this.#model.nextExpiryMs()).toBeGreaterThan(this.#nowMs);
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

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CallTimer, TimerWheel } from '../../../src/engine/splice/timer-wheel.js';

const tickMs = 16;
const roundMs = 1024 * tickMs;

type Step =
  | { readonly kind: 'set'; readonly timer: number; readonly inMs: number }
  | { readonly kind: 'cancel'; readonly timer: number }
  | { readonly kind: 'pass'; readonly ms: number };

const timerCount = 12;
const timer = fc.nat(timerCount - 1);
/** Near, within a round, and many rounds off. */
const span = fc.oneof(
  fc.nat(100),
  fc.nat(roundMs),
  fc.nat(5 * roundMs),
  fc.double({ min: 0, max: 500, noNaN: true }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), timer, inMs: span }),
  fc.record({ kind: fc.constant('cancel' as const), timer }),
  fc.record({ kind: fc.constant('pass' as const), ms: span }),
);

/** A fault in a ring is the test's own. */
function timerThat(rings: () => void): CallTimer {
  return new CallTimer(rings, (error) => {
    throw error;
  });
}

/** A wheel beside a plain list of when each timer is due. */
function obeys(steps: readonly Step[], startMs: number): void {
  let nowMs = startMs;
  const wheel = new TimerWheel(nowMs);
  const due = new Map<number, number>();
  const timers = Array.from({ length: timerCount }, (_, index) => timerThat(() => rings(index)));
  function rings(index: number): void {
    expect(due.get(index)).toBeLessThanOrEqual(nowMs);
    due.delete(index);
    // Every other one sets itself anew, from within.
    if (index % 2 === 1) set(index, 3 * tickMs);
  }
  function set(index: number, inMs: number): void {
    const own = timers[index];
    if (own === undefined) return;
    due.set(index, nowMs + inMs);
    wheel.set(own, nowMs + inMs);
  }
  function cancel(index: number): void {
    const own = timers[index];
    if (own !== undefined) wheel.cancel(own);
    due.delete(index);
  }
  function pass(ms: number): void {
    nowMs += ms;
    wheel.advance(nowMs);
    for (const atMs of due.values()) expect(nowMs - atMs).toBeLessThan(2 * tickMs);
  }
  for (const step of steps) {
    if (step.kind === 'set') set(step.timer, step.inMs);
    else if (step.kind === 'cancel') cancel(step.timer);
    else pass(step.ms);
    const wakesMs = nowMs + wheel.sleepMs(nowMs);
    if (due.size === 0) expect(wakesMs).toBe(nowMs - 1);
    else expect(wakesMs).toBeLessThan(Math.min(...due.values()) + 2 * tickMs + 1);
  }
}

describe('the timer wheel', () => {
  test('rings no timer early, none more than a tick late, and sleeps for ever where none is set', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(100_000), (steps, startMs) =>
        obeys(steps, startMs),
      ),
      { numRuns: 1_000 },
    );
  });
});

test('timers many rounds away wake the loop once a round, however many there are', () => {
  const wheel = new TimerWheel(0);
  for (let index = 0; index < 1_000; index += 1) {
    wheel.set(
      timerThat(() => undefined),
      90_000 + index * tickMs,
    );
  }
  // One that rings makes the wheel look for the next.
  wheel.set(
    timerThat(() => undefined),
    100,
  );
  let wakes = 0;
  for (let nowMs = 0; nowMs < 80_000; wakes += 1) {
    nowMs += wheel.sleepMs(nowMs);
    wheel.advance(nowMs);
  }
  expect(wakes).toBeLessThanOrEqual(7);
});

test('a ring that throws is told to its own timer, and keeps no other from ringing', () => {
  const wheel = new TimerWheel(0);
  const seen: unknown[] = [];
  const faulty = new CallTimer(
    () => {
      throw new Error('a fault');
    },
    (error) => seen.push(String(error)),
  );
  for (const timer of [timerThat(() => seen.push('before')), faulty, timerThat(() => seen.push('after'))])
    wheel.set(timer, tickMs);
  wheel.advance(tickMs);
  expect(new Set(seen)).toEqual(new Set(['before', 'Error: a fault', 'after']));
  expect(wheel.sleepMs(tickMs)).toBe(-1);
});

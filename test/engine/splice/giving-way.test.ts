import { expect, test } from '@jest/globals';
import { GivingWay } from '../../../src/engine/splice/giving-way.js';
import { limits } from '../../../src/limits.js';

const { tryingWindowMs, windowsToTry, messagesPerMsOfBusy, bytesLikeMessage } = limits;
const busy = 10 * messagesPerMsOfBusy * tryingWindowMs;

/** A shard that passes so many messages a window, which may depend on whether it gives way; and what it does in each. */
function windowsOf(passes: (gives: boolean, window: number) => number, count: number): boolean[] {
  const givingWay = new GivingWay();
  let gives = givingWay.isDue(0);
  return Array.from({ length: count }, (_, window) => {
    givingWay.passed(passes(gives, window), 0);
    const did = gives;
    gives = givingWay.isDue((window + 1) * tryingWindowMs);
    return did;
  });
}

const times = (gives: readonly boolean[]) => gives.filter((it) => it).length;

test('who passes little never gives way', () => {
  expect(times(windowsOf(() => messagesPerMsOfBusy * tryingWindowMs - 1, 100))).toBe(0);
});

test('who passes much tries it, and goes on where that passes more', () => {
  const seen = windowsOf((gives) => (gives ? 1.2 * busy : busy), 2 * windowsToTry);
  expect(seen.slice(0, 3)).toEqual([false, true, true]);
  // The other way is looked at again.
  expect(times(seen)).toBe(2 * windowsToTry - 2);
});

test('where it passes as much as sleeping, but for chance, it is what is done', () => {
  const justEnough = (busy * limits.givingWayPercent) / 100;
  expect(times(windowsOf((gives) => (gives ? justEnough : busy), 2 * windowsToTry))).toBe(
    2 * windowsToTry - 2,
  );
});

test('where it passes less, as beside a stranger who computes, it is tried now and then only', () => {
  const seen = windowsOf((gives) => (gives ? busy / 2 : busy), 4 * windowsToTry);
  expect(times(seen)).toBe(4);
});

test('a stranger who comes later ends it within as many windows as there are to a trial', () => {
  const comes = 3 * windowsToTry;
  const seen = windowsOf((gives, window) => (gives && window >= comes ? busy / 2 : busy), 8 * windowsToTry);
  expect(times(seen.slice(0, comes))).toBeGreaterThan(2 * windowsToTry);
  expect(times(seen.slice(comes + windowsToTry))).toBeLessThanOrEqual(5);
});

test('after a quiet time both ways are tried anew', () => {
  const quiet = 5;
  const seen = windowsOf((_, window) => (window === quiet ? 0 : busy), 10);
  expect(seen).toEqual([false, true, true, true, true, true, false, true, true, true]);
});

test('bulk counts by its bytes', () => {
  const givingWay = new GivingWay();
  givingWay.isDue(0);
  givingWay.passed(1, busy * bytesLikeMessage);
  expect(givingWay.isDue(tryingWindowMs)).toBe(true);
});

test('it is not decided anew at every sleep', () => {
  const givingWay = new GivingWay();
  givingWay.isDue(1_000);
  givingWay.passed(busy, 0);
  expect(givingWay.isDue(1_000 + tryingWindowMs - 1)).toBe(false);
  expect(givingWay.isDue(1_000 + tryingWindowMs)).toBe(true);
});

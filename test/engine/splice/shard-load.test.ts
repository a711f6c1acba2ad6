import { expect, test } from '@jest/globals';
import { ShardLoad } from '../../../src/engine/splice/shard-load.js';
import { limits } from '../../../src/limits.js';

const windowMs = limits.loadWindowMs;
const enoughMs = (windowMs * limits.busyPercent) / 100;

/** A load whose thread has taken so much more at every look. */
function loadThatTakes(...takenMs: number[]) {
  let cpuMs = 40;
  let looks = 0;
  const load = new ShardLoad(() => {
    cpuMs += takenMs[looks] ?? 0;
    looks += 1;
    return cpuMs;
  });
  return { load, looks: () => looks };
}

test('a thread that was on a processor for most of a window is busy, and told of once', () => {
  const { load } = loadThatTakes(0, enoughMs, enoughMs);
  expect(load.foundBusy(1_000)).toBe(false);
  expect(load.foundBusy(1_000 + windowMs)).toBe(true);
  expect(load.foundBusy(1_000 + windowMs)).toBe(false);
  expect(load.foundBusy(1_000 + 2 * windowMs)).toBe(true);
});

test('what it took before the first look does not count, nor does one that took less', () => {
  const { load } = loadThatTakes(10 * enoughMs, enoughMs - 1);
  expect(load.foundBusy(1_000)).toBe(false);
  expect(load.foundBusy(1_000 + windowMs)).toBe(false);
});

test('a sleep makes the window longer, and so the same work less of it', () => {
  const { load } = loadThatTakes(0, enoughMs);
  load.foundBusy(1_000);
  expect(load.foundBusy(1_000 + 2 * windowMs)).toBe(false);
});

test('the clock is looked at once a window, however many turns there are in it', () => {
  const { load, looks } = loadThatTakes();
  for (let atMs = 0; atMs < windowMs; atMs += 1) load.foundBusy(1_000 + atMs);
  expect(looks()).toBe(1);
});

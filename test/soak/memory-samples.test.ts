import { describe, expect, it } from '@jest/globals';
import { hasGrown, kibibytesOfThread, type MemorySample } from './memory-samples.js';

const threads = 7;
const level = 100_000;

/** 30 samples for each third of a run. */
function run(...thirds: readonly Partial<MemorySample>[]): MemorySample[] {
  return thirds.flatMap((sample) => Array(30).fill({ kibibytes: level, threads, ...sample }));
}

describe('memory of a soak', () => {
  it('has not grown where the last third is within a tenth of the second', () => {
    expect(hasGrown(run({ kibibytes: 60_000 }, {}, { kibibytes: level * 1.09 }))).toBe(false);
  });

  it('has grown where one sample of the last third is more than a tenth above', () => {
    const samples = run({}, {}, {});
    expect(hasGrown(samples)).toBe(false);
    expect(hasGrown([...samples.slice(0, -1), { kibibytes: level * 1.11, threads }])).toBe(true);
  });

  it('has not grown by a thread that was added, but by more than a thread takes', () => {
    const more = { threads: threads + 1, kibibytes: level + kibibytesOfThread };
    expect(hasGrown(run({}, {}, more))).toBe(false);
    expect(hasGrown(run({}, {}, { ...more, kibibytes: more.kibibytes + level * 0.11 }))).toBe(true);
    expect(hasGrown(run({}, more, { ...more, kibibytes: more.kibibytes + level * 0.11 }))).toBe(true);
  });

  it('is not judged by few samples', () => {
    expect(hasGrown(run({}, {}, { kibibytes: 2 * level }).filter((_, index) => index % 2 === 0))).toBe(false);
  });
});

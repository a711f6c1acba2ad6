import { describe, expect, it } from '@jest/globals';
import type { Figure, WorkReport } from '../../benchmarks/report.js';
import { advantageOf, chanceOf, leastChance, summarize } from '../../benchmarks/statistics.js';

const rate: Figure = { key: 'rate', title: 'requests/s', better: 'more', digits: 0 };
const time: Figure = { key: 'time', title: 'ms', better: 'less', digits: 1 };

describe('a summary', () => {
  it('has the median and the spread', () => {
    expect(summarize([5, 2, 9])).toEqual({ median: 5, least: 2, most: 9, rounds: 3 });
  });

  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    // As numbers, not as text.
    [[10, 9, 100], 10],
  ])('of %j has the median %d', (values, expected) => {
    expect(summarize(values).median).toBe(expected);
  });

  it('of nothing is refused', () => {
    expect(() => summarize([])).toThrow();
  });
});

describe('an advantage', () => {
  const turns = [
    { round: 0, subject: 'ours', measured: { rate: 20, time: 1 } },
    { round: 0, subject: 'theirs', measured: { rate: 10, time: 3 } },
    { round: 1, subject: 'theirs', measured: { rate: 5, time: 2 } },
    { round: 1, subject: 'ours', measured: { rate: 20, time: 1 } },
    { round: 2, subject: 'theirs', measured: { rate: 5, time: 0 } },
  ];
  const work: WorkReport = {
    ...{ scenario: 'some', title: 'some work', reference: 'ours', figures: [rate, time] },
    ...{ subjects: ['ours', 'theirs'], rounds: turns, failures: [], leftOut: [] },
  };

  it('is of the rounds that both have, and above 1 where the reference is better', () => {
    expect(advantageOf(work, 'theirs', rate)).toEqual({ median: 3, least: 2, most: 4, rounds: 2 });
    expect(advantageOf(work, 'theirs', time)).toEqual({ median: 2.5, least: 2, most: 3, rounds: 2 });
  });

  it('over someone who was not measured is nothing', () => {
    expect(advantageOf(work, 'nobody', rate)).toBeUndefined();
  });
});

describe('the chance that samples of the same differ so much', () => {
  it('is small where they are apart, and the same at every call', () => {
    const chance = chanceOf([1, 2, 3, 4, 5], [6, 7, 8, 9, 100]);
    expect(chance).toBeCloseTo(leastChance(5, 5), 2);
    expect(chance).toBeLessThanOrEqual(0.01);
    expect(chanceOf([1, 2, 3, 4, 5], [6, 7, 8, 9, 100])).toBe(chance);
    expect(chanceOf([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])).toBeLessThanOrEqual(0.01);
  });

  it('is what the tables of the Mann-Whitney test have', () => {
    // U = 4 of two samples of five: 0.0952, exactly.
    expect(chanceOf([1, 2, 3, 6, 8], [4, 5, 7, 9, 10])).toBeCloseTo(0.15, 1);
    expect(chanceOf([1, 2, 3, 5, 8], [4, 6, 7, 9, 10])).toBeCloseTo(0.0952, 1);
  });

  it('is large where they are alike, or all the same', () => {
    expect(chanceOf([1, 3, 5, 7, 9], [2, 4, 6, 8, 10])).toBeGreaterThan(0.5);
    expect(chanceOf([0, 0, 0], [0, 0, 0])).toBe(1);
  });

  it('has a least, which a few rounds cannot go below', () => {
    expect(leastChance(5, 5)).toBeCloseTo(2 / 252);
    expect(leastChance(2, 2)).toBeCloseTo(2 / 6);
  });
});

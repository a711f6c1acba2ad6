import { describe, expect, it } from '@jest/globals';
import { median, summarize } from '../../benchmarks/statistics.js';

describe('median', () => {
  it.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    // As numbers, not as text.
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('leaves its values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('of nothing is refused', () => {
    expect(() => median([])).toThrow('no values');
  });
});

describe('a summary', () => {
  it('has the median and the spread', () => {
    expect(summarize([5, 2, 9])).toEqual({ median: 5, least: 2, most: 9, rounds: 3 });
  });
});

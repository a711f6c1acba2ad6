import { describe, expect, it } from '@jest/globals';
import { comparisonOf, comparisonText } from '../../benchmarks/comparison.js';
import { reportOf, workOf } from './results.js';

const slow = [10, 11, 12, 13, 14];
const fast = [20, 21, 22, 23, 24];

describe('two results', () => {
  it('of which one figure is apart: it moved, and which way', () => {
    const before = reportOf([workOf('HTTP', { ours: slow, theirs: slow })]);
    const after = reportOf([workOf('HTTP', { ours: fast, theirs: [9, 11.5, 12.5, 13.5, 14.5] })]);
    const { moved, compared } = comparisonOf(before, after);
    expect(compared).toBe(2);
    expect(moved.map(({ subject }) => subject)).toEqual(['ours']);
    const text = comparisonText(before, after);
    expect(text).toContain('better  HTTP: ours, requests/s: 12 (10–14) -> 22 (20–24), +83 %, p 0.0');
    expect(comparisonText(after, before)).toContain(
      'worse   HTTP: ours, requests/s: 22 (20–24) -> 12 (10–14), -45 %',
    );
  });

  it('of the same are the same', () => {
    const report = reportOf([workOf('HTTP', { ours: slow })]);
    expect(comparisonOf(report, report).moved).toEqual([]);
  });

  it('of too few rounds say nothing, and say so', () => {
    const before = reportOf([workOf('HTTP', { ours: [1, 2, 3, 4] })]);
    const after = reportOf([workOf('HTTP', { ours: [10, 20, 30, 40] })]);
    expect(comparisonOf(before, after)).toMatchObject({ moved: [], compared: 0, tooFew: 1 });
    expect(comparisonText(before, after)).toContain('Too few rounds to tell: 1. It takes 5 on either side.');
  });

  it('name what only one of them has', () => {
    const before = reportOf([workOf('HTTP', { ours: slow, theirs: slow }), workOf('UDP', { ours: slow })]);
    const after = reportOf([workOf('HTTP', { ours: slow }), workOf('bulk', { ours: slow })]);
    const { onlyBefore, onlyAfter, compared } = comparisonOf(before, after);
    expect({ onlyBefore, onlyAfter, compared }).toEqual({
      ...{ onlyBefore: ['HTTP: theirs', 'UDP'], onlyAfter: ['bulk'], compared: 1 },
    });
  });

  it('of other machines, or where what has no proxy moved: figures cannot be held against each other', () => {
    const before = reportOf([workOf('HTTP', { direct: slow })]);
    const after = reportOf([workOf('HTTP', { direct: fast })], { kernel: '7.0' });
    expect(comparisonText(before, after)).toContain('Not measured alike: kernel 6.1 -> 7.0');
    expect(comparisonText(before, after)).toContain('What has no proxy moved too: the machine did.');
  });

  it('of one session against own ones: they are not alike', () => {
    const before = reportOf([workOf('HTTP', { ours: slow })]);
    const differing = comparisonText(before, { ...before, ownSessions: true });
    expect(differing).toContain('Not measured alike: one in own sessions, one not');
    expect(comparisonText(before, before)).not.toContain('Not measured alike');
  });
});

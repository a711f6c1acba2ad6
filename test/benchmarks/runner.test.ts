import { describe, expect, it } from '@jest/globals';
import { inOrder, runWork } from '../../benchmarks/runner.js';
import type { Subject, Work } from '../../benchmarks/scenarios/scenario.js';
import { tableOf } from '../../benchmarks/table.js';

function workOf(subjects: readonly Subject[], closed: () => void = () => undefined): Work {
  return {
    title: 'some work',
    figures: [
      { key: 'rate', title: 'requests/s', better: 'more', digits: 0 },
      { key: 'cpu', title: 'CPU s', better: 'less', digits: 1 },
    ],
    reference: 'ours',
    warmUp: true,
    subjectCount: () => subjects.length,
    secondsEach: () => 0,
    open: () =>
      Promise.resolve({ subjects, failures: [], leftOut: [], close: () => Promise.resolve(closed()) }),
  };
}

/** Gives one figure after the other; the first is of the warm-up. */
function subjectOf(name: string, rates: readonly number[], turns: string[] = []): Subject {
  const left = [...rates];
  return {
    name,
    measure: () => {
      turns.push(name);
      const rate = left.shift();
      return rate === undefined ? Promise.reject(new Error('out of breath')) : Promise.resolve({ rate });
    },
  };
}

const place = { peers: [], folder: '' };
const pace = { rounds: 3, seconds: 1, warmUpSeconds: 1 };

describe('the order of a round', () => {
  it('alternates, and begins elsewhere by and by', () => {
    const orders = [0, 1, 2, 3].map((round) => inOrder(['a', 'b', 'c'], round).join(''));
    expect(orders).toEqual(['abc', 'cba', 'bca', 'acb']);
  });
});

describe('a work', () => {
  it('warms up everyone before the first round, and is closed after the last', async () => {
    const turns: string[] = [];
    const subjects = [subjectOf('ours', [0, 1, 2, 3], turns), subjectOf('theirs', [0, 1, 2, 3], turns)];
    const work = workOf(subjects, () => turns.push('closed'));
    const result = await runWork('some', work, place, pace, () => undefined);
    expect(turns).toEqual([
      ...['ours', 'theirs'],
      ...['ours', 'theirs', 'theirs', 'ours', 'theirs', 'ours'],
      'closed',
    ]);
    expect(result.rounds.filter(({ subject }) => subject === 'ours').map(({ measured }) => measured)).toEqual(
      [{ rate: 1 }, { rate: 2 }, { rate: 3 }],
    );
  });

  it('goes on without one that failed, tells of it, and nothing that has no spread', async () => {
    const subjects = [subjectOf('ours', [0, 30, 10, 20]), subjectOf('theirs', [0, 10])];
    const result = await runWork('some', workOf(subjects), place, pace, () => undefined);
    expect(result.failures).toEqual([{ name: 'theirs', why: 'out of breath' }]);
    expect(tableOf(result).split('\n')).toEqual([
      '',
      'some work',
      '        requests/s  CPU s  ratio',
      'ours    20 (10–30)      -      1',
      'theirs           -      -      -',
      "ratio: how many times better ours's requests/s is than this one's, round by round. Medians of 3 rounds, least to most in parentheses.",
      'theirs failed: out of breath',
    ]);
  });

  it('begins no round that would not end in time, but takes two', async () => {
    const subjects = [subjectOf('ours', [1, 2, 3])];
    const hasted = { rounds: 3, seconds: 1, warmUpSeconds: 0, withinSeconds: 0 };
    const { rounds } = await runWork('some', workOf(subjects), place, hasted, () => undefined);
    expect(rounds.map(({ round }) => round)).toEqual([0, 1]);
  });

  it('that takes long has fewer rounds', async () => {
    const work = { ...workOf([subjectOf('ours', [0, 1, 2, 3])]), mostRounds: 2 };
    const { rounds } = await runWork('some', work, place, pace, () => undefined);
    expect(rounds.map(({ round }) => round)).toEqual([0, 1]);
  });

  it('tells how much of it is done', async () => {
    const told: number[] = [];
    const subjects = [subjectOf('ours', [0, 1, 2, 3]), subjectOf('theirs', [0, 1, 2, 3])];
    await runWork('some', workOf(subjects), place, pace, (_text, done) => told.push(done));
    expect(told).toEqual([0, ...Array.from({ length: 8 }, (_, turn) => turn / 8)]);
  });
});

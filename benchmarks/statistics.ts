/** What figures of several rounds come to. A figure is never told without its spread. */
import { max, median, min, permutationTest, wilcoxonRankSum } from 'simple-statistics';
import { leastRounds } from './bounds.js';
import type { Figure, WorkReport } from './report.js';

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: number;
}

/** @throws Error where there are no values */
export function summarize(values: readonly number[]): Summary {
  const copy = [...values];
  return { median: median(copy), least: min(copy), most: max(copy), rounds: copy.length };
}

export function valuesOf(work: WorkReport, subject: string, key: string): number[] {
  return work.rounds
    .filter((round) => round.subject === subject)
    .flatMap(({ measured }) => measured[key] ?? []);
}

/** undefined where the subject has too few rounds for a spread: one that failed early, or what it does not have. */
export function summaryOf(work: WorkReport, subject: string, key: string): Summary | undefined {
  return withSpread(valuesOf(work, subject, key));
}

function withSpread(values: readonly number[]): Summary | undefined {
  return values.length < leastRounds ? undefined : summarize(values);
}

/**
 * How many times better the reference is than a subject, round by round: what disturbs a whole round disturbs both.
 * Above 1 the reference is better, whether more or less is.
 */
export function advantageOf(work: WorkReport, subject: string, figure: Figure): Summary | undefined {
  const ratios = work.rounds.flatMap(({ round, subject: name, measured }) => {
    const theirs = name === subject ? measured[figure.key] : undefined;
    const ours = work.rounds.find((other) => other.round === round && other.subject === work.reference);
    return ratiosOf(figure, ours?.measured[figure.key], theirs);
  });
  return withSpread(ratios);
}

/** None where one is not there, or is 0: nothing can be said of how many times it is. */
function ratiosOf({ better }: Figure, ours: number | undefined, theirs: number | undefined): number[] {
  if (ours === undefined || theirs === undefined || ours === 0 || theirs === 0) return [];
  return [better === 'more' ? ours / theirs : theirs / ours];
}

const permutations = 10_000;

/**
 * How likely it is that two samples of the same differ as much as these: the Mann-Whitney test, as a permutation test
 * of the ranks, which is right for few rounds and for ties too. The same samples give the same answer.
 */
export function chanceOf(before: readonly number[], after: readonly number[]): number {
  const pooled = [...before, ...after];
  const ranks = pooled.map((value, index) => wilcoxonRankSum([value], pooled.toSpliced(index, 1)));
  const [a, b] = [ranks.slice(0, before.length), ranks.slice(before.length)];
  return permutationTest(a, b, 'two_side', permutations, seededRandom());
}

/** The least that `chanceOf` can come to: no round of the one is among those of the other. */
export function leastChance(before: number, after: number): number {
  let ways = 1;
  for (let index = 1; index <= before; index += 1) ways = (ways * (after + index)) / index;
  return 2 / ways;
}

/** The linear congruential generator of Numerical Recipes: good enough to shuffle ten values. */
function seededRandom(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

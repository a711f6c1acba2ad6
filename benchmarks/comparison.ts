/** Two results held against each other: what moved by more than chance moves things. */
import type { Figure, Report, WorkReport } from './report.js';
import { chanceOf, leastChance, type Summary, summarize, valuesOf } from './statistics.js';
import { cell } from './table.js';

/** A figure has moved where chance alone does as much less often than this. */
const mostChance = 0.01;
/** Fewer on both sides are never as unlikely as that. */
const roundsToTell = 5;

export interface Change {
  readonly work: string;
  readonly subject: string;
  readonly figure: Figure;
  readonly before: Summary;
  readonly after: Summary;
  readonly chance: number;
}

export interface Comparison {
  readonly moved: readonly Change[];
  readonly compared: number;
  /** Figures of too few rounds for anything to be said. */
  readonly tooFew: number;
  /** Works and subjects that the other result lacks. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}

export function comparisonOf(before: Report, after: Report): Comparison {
  const pairs = pairsOf(before, after);
  const samples = pairs.flatMap((pair) => samplesOf(pair));
  const tellable = samples.filter(
    (sample) => leastChance(sample.before.length, sample.after.length) <= mostChance,
  );
  const moved = tellable.map(changeOf).filter(({ chance }) => chance <= mostChance);
  return {
    moved,
    compared: tellable.length,
    tooFew: samples.length - tellable.length,
    onlyBefore: lackedBy(after, before),
    onlyAfter: lackedBy(before, after),
  };
}

interface Pair {
  readonly before: WorkReport;
  readonly after: WorkReport;
}

interface Sample {
  readonly work: string;
  readonly subject: string;
  readonly figure: Figure;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function pairsOf(before: Report, after: Report): Pair[] {
  return before.works.flatMap((work) => {
    const same = after.works.find((other) => isSame(work, other));
    return same === undefined ? [] : [{ before: work, after: same }];
  });
}

function isSame(a: WorkReport, b: WorkReport): boolean {
  return a.scenario === b.scenario && a.title === b.title;
}

function samplesOf({ before, after }: Pair): Sample[] {
  return after.subjects.flatMap((subject) =>
    after.figures.flatMap((figure): Sample[] => {
      const [a, b] = [valuesOf(before, subject, figure.key), valuesOf(after, subject, figure.key)];
      const sample = { work: after.title, subject, figure, before: a, after: b };
      return a.length === 0 || b.length === 0 ? [] : [sample];
    }),
  );
}

function changeOf({ before, after, ...about }: Sample): Change {
  return { ...about, before: summarize(before), after: summarize(after), chance: chanceOf(before, after) };
}

/** What `other` has and `report` has not. */
function lackedBy(report: Report, other: Report): string[] {
  return other.works.flatMap((work) => {
    const same = report.works.find((each) => isSame(each, work));
    if (same === undefined) return [work.title];
    const lacked = work.subjects.filter((subject) => !same.subjects.includes(subject));
    return lacked.map((subject) => `${work.title}: ${subject}`);
  });
}

/** For people. */
export function comparisonText(before: Report, after: Report): string {
  const { moved, compared, tooFew, onlyBefore, onlyAfter } = comparisonOf(before, after);
  const byChance = (compared * mostChance).toFixed(1);
  const without = after.peers.filter(({ kind }) => kind === 'none').map(({ name }) => name);
  return [
    `before: ${headOf(before)}`,
    `after:  ${headOf(after)}`,
    ...differencesOf(before, after),
    '',
    `${moved.length} of ${compared} figures moved beyond the noise: by the Mann-Whitney test chance moves one as much ` +
      `less than once in ${1 / mostChance} times, and so about ${byChance} of these.`,
    ...moved.map(changeText),
    ...(moved.some(({ subject }) => without.includes(subject))
      ? ['What has no proxy moved too: the machine did. Hold the ratios against each other, not the figures.']
      : []),
    ...(tooFew === 0 ? [] : [`Too few rounds to tell: ${tooFew}. It takes ${roundsToTell} on either side.`]),
    ...(onlyBefore.length === 0 ? [] : [`Only before: ${onlyBefore.join('; ')}`]),
    ...(onlyAfter.length === 0 ? [] : [`Only after: ${onlyAfter.join('; ')}`]),
  ].join('\n');
}

function headOf({ date, machine, rounds, seconds }: Report): string {
  return `${date.slice(0, 16)}, commit ${machine.commit}, ${rounds} rounds of ${seconds} s`;
}

const machineKeys = ['cpu', 'cores', 'kernel', 'congestionControl', 'node'] as const;

function differencesOf(before: Report, after: Report): string[] {
  const keys = machineKeys.filter((key) => before.machine[key] !== after.machine[key]);
  const each = keys.map((key) => `${key} ${before.machine[key]} -> ${after.machine[key]}`);
  const pace = before.seconds === after.seconds ? [] : ['turns of other lengths'];
  const sessions = before.ownSessions === after.ownSessions ? [] : ['one in own sessions, one not'];
  const all = [...each, ...pace, ...sessions];
  return all.length === 0 ? [] : [`Not measured alike: ${all.join(', ')}`];
}

function changeText({ work, subject, figure, before, after, chance }: Change): string {
  const isBetter = after.median > before.median === (figure.better === 'more');
  const percent = before.median === 0 ? '' : `${signed((after.median / before.median - 1) * 100)} %, `;
  const values = `${cell(figure, before)} -> ${cell(figure, after)}`;
  const likely = `p ${chance.toFixed(3)}`;
  return `  ${isBetter ? 'better' : 'worse '}  ${work}: ${subject}, ${figure.title}: ${values}, ${percent}${likely}`;
}

function signed(percent: number): string {
  return `${percent < 0 ? '' : '+'}${percent.toFixed(0)}`;
}

/** Runs works: warm-up, then rounds in which every subject has its turn, in an order that alternates. */
import { messageOf } from '../src/errors.js';
import { leastRounds, type Pace } from './bounds.js';
import type { Measured, Remark, WorkReport } from './report.js';
import type { OpenWork, Place, Subject, Work } from './scenarios/scenario.js';

/** What is being done, and how much of the whole is done, from 0 to 1. */
export type Progress = (text: string, done: number) => void;

interface Turns {
  readonly rounds: WorkReport['rounds'];
  readonly failures: Remark[];
}

export async function runWork(
  scenario: string,
  work: Work,
  place: Place,
  asked: Pace,
  progress: Progress,
): Promise<WorkReport> {
  const pace = { ...asked, rounds: roundsOf(work, asked) };
  const endMs = performance.now() + (pace.withinSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  progress(`${work.title}: starting`, 0);
  const open = await work.open(place);
  try {
    const { rounds, failures } = await runTurns(work, open, pace, endMs, progress);
    const subjects = open.subjects.map(({ name }) => name);
    return { ...headOf(scenario, work), subjects, rounds, failures, leftOut: [...open.leftOut] };
  } finally {
    await open.close();
  }
}

/** Of a work that was not measured: it could not be opened, or there was no time for it. */
export function unmeasuredWork(
  scenario: string,
  work: Work,
  about: 'failures' | 'leftOut',
  why: string,
): WorkReport {
  const nothing = { subjects: [], rounds: [], failures: [], leftOut: [] };
  return { ...headOf(scenario, work), ...nothing, [about]: [{ name: scenario, why }] };
}

function headOf(scenario: string, { title, label, reference, figures }: Work) {
  const [main, ...rest] = figures;
  const head = { scenario, title, reference, figures: [main, ...rest] satisfies WorkReport['figures'] };
  return label === undefined ? head : { ...head, label };
}

async function runTurns(
  work: Work,
  open: OpenWork,
  pace: Pace,
  endMs: number,
  progress: Progress,
): Promise<Turns> {
  const turns: Turns = { rounds: [], failures: [...open.failures] };
  const warmUps = work.warmUp && pace.warmUpSeconds > 0 ? 1 : 0;
  let done = 0;
  const turn = async (text: string, subject: Subject, seconds: number): Promise<Measured | undefined> => {
    const all = open.subjects.length * (warmUps + pace.rounds);
    progress(`${work.title}: ${text}, ${subject.name}`, done++ / all);
    // One that has failed is out of this work; the others go on.
    if (turns.failures.some(({ name }) => name === subject.name)) return undefined;
    try {
      return await subject.measure(seconds);
    } catch (error) {
      turns.failures.push({ name: subject.name, why: messageOf(error) });
      return undefined;
    }
  };
  if (warmUps > 0) {
    for (const subject of open.subjects) await turn('warming up', subject, pace.warmUpSeconds);
  }
  for (let round = 0; round < pace.rounds; round += 1) {
    const beganMs = performance.now();
    for (const subject of inOrder(open.subjects, round)) {
      const measured = await turn(`round ${round + 1} of ${pace.rounds}`, subject, pace.seconds);
      if (measured !== undefined) turns.rounds.push({ round, subject: subject.name, measured });
    }
    const nowMs = performance.now();
    if (round + 1 >= leastRounds && nowMs + (nowMs - beganMs) > endMs) break;
  }
  return turns;
}

function roundsOf({ mostRounds = Number.POSITIVE_INFINITY }: Work, { rounds }: Pace): number {
  return Math.min(rounds, mostRounds);
}

/** There and back again, each time from another place: nobody always follows the same, or is always first. */
export function inOrder<T>(subjects: readonly T[], round: number): T[] {
  const from = subjects.length === 0 ? 0 : Math.floor(round / 2) % subjects.length;
  const rotated = [...subjects.slice(from), ...subjects.slice(0, from)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

export function estimateSeconds(work: Work, peers: Place['peers'], pace: Pace): number {
  const { seconds, warmUpSeconds } = pace;
  const warmUp = work.warmUp && warmUpSeconds > 0 ? work.secondsEach(warmUpSeconds) : 0;
  // Each is started, too, and stopped at the end.
  return work.subjectCount(peers) * (0.2 + warmUp + roundsOf(work, pace) * work.secondsEach(seconds)) + 1;
}

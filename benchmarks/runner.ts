/** Runs works: warm-up, then rounds in which every subject has its turn, in an order that alternates. */
import { messageOf } from '../src/errors.js';
import { bench } from './bounds.js';
import type { Failure, Measured, OpenWork, Place, Subject, Work } from './scenarios/scenario.js';

export interface Round {
  readonly round: number;
  readonly subject: string;
  readonly measured: Measured;
}

export interface WorkResult {
  readonly scenario: string;
  readonly work: Work;
  /** In the order of the table. */
  readonly subjects: readonly string[];
  readonly rounds: readonly Round[];
  readonly failures: readonly Failure[];
}

export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
  /** False for a trial whose figures nobody reads. */
  readonly warmUp: boolean;
}

export type Tell = (text: string) => void;

export async function runWork(
  scenario: string,
  work: Work,
  place: Place,
  pace: Pace,
  tell: Tell,
): Promise<WorkResult> {
  const open = await work.open(place);
  try {
    return await runRounds(scenario, work, open, pace, tell);
  } finally {
    await open.close();
  }
}

async function runRounds(
  scenario: string,
  work: Work,
  open: OpenWork,
  pace: Pace,
  tell: Tell,
): Promise<WorkResult> {
  const failures = [...open.failures];
  const rounds: Round[] = [];
  const failed = () => new Set(failures.map(({ subject }) => subject));
  const attempt = async (subject: Subject, seconds: number): Promise<Measured | undefined> => {
    try {
      return await subject.measure(seconds);
    } catch (error) {
      // One that fails is out of this work, and told of; the others go on.
      failures.push({ subject: subject.name, why: messageOf(error) });
      return undefined;
    }
  };
  if (work.warmUp && pace.warmUp) {
    for (const subject of open.subjects) {
      tell(`${work.title}: warming up ${subject.name}`);
      await attempt(subject, warmUpSeconds(pace.seconds));
    }
  }
  for (let round = 0; round < pace.rounds; round += 1) {
    for (const subject of inOrder(open.subjects, round)) {
      if (failed().has(subject.name)) continue;
      tell(`${work.title}: round ${round + 1} of ${pace.rounds}, ${subject.name}`);
      const measured = await attempt(subject, pace.seconds);
      if (measured !== undefined) rounds.push({ round, subject: subject.name, measured });
    }
  }
  return { scenario, work, subjects: open.subjects.map(({ name }) => name), rounds, failures };
}

/** There and back again, each time from another place: nobody always follows the same, or is always first. */
export function inOrder<T>(subjects: readonly T[], round: number): T[] {
  const from = subjects.length === 0 ? 0 : Math.floor(round / 2) % subjects.length;
  const rotated = [...subjects.slice(from), ...subjects.slice(0, from)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

export function warmUpSeconds(seconds: number): number {
  return Math.max(bench.warmUpLeastSeconds, seconds * bench.warmUpShare);
}

export function estimateSeconds(
  work: Work,
  peers: Place['peers'],
  { rounds, seconds, warmUp }: Pace,
): number {
  const eachRound = work.secondsEach(seconds);
  const before = work.warmUp && warmUp ? work.secondsEach(warmUpSeconds(seconds)) + 0.2 : 0;
  return work.subjectCount(peers) * (before + rounds * eachRound) + 1;
}

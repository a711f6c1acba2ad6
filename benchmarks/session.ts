/** One run of the benchmarks: what can run here, for how long, and its results. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../src/errors.js';
import type { Pace, Sizes } from './bounds.js';
import { killLeftovers } from './child.js';
import type { Peer } from './peers/peer.js';
import type { Remark, WorkReport } from './report.js';
import { estimateSeconds, type Progress, runWork, unmeasuredWork } from './runner.js';
import type { Place, Scenario, Work } from './scenarios/scenario.js';

export interface Plan {
  readonly works: readonly PlannedWork[];
  readonly peers: readonly Peer[];
  readonly skipped: readonly Remark[];
}

interface PlannedWork {
  readonly scenario: string;
  readonly work: Work;
}

/** Leaves out what lacks something on this machine, and says what. */
export function planOf(scenarios: readonly Scenario[], peers: readonly Peer[], sizes: Sizes): Plan {
  const skipped = [...scenarios, ...peers].flatMap((each): Remark[] => {
    const why = each.missing();
    return why === undefined ? [] : [{ name: each.name, why }];
  });
  const isThere = ({ name }: { readonly name: string }) => !skipped.some((each) => each.name === name);
  return {
    works: scenarios
      .filter(isThere)
      .flatMap((scenario) => scenario.works(sizes).map((work) => ({ scenario: scenario.name, work }))),
    peers: peers.filter(isThere),
    skipped,
  };
}

/** In seconds. */
export function estimateOf({ works, peers }: Plan, pace: Pace): number {
  const each = works.map(({ work }) => estimateSeconds(work, peers, pace));
  return Math.min(sumOf(each), pace.withinSeconds ?? Number.POSITIVE_INFINITY);
}

/** Runs all works in turn; `show` gets each result as it is there, `progress` what is being done. */
export async function runPlan(
  plan: Plan,
  pace: Pace,
  progress: Progress,
  show: (result: WorkReport) => void,
): Promise<WorkReport[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  // On a signal, too, which ends the process at once.
  process.once('exit', removeFolder);
  const shares = plan.works.map(({ work }) => estimateSeconds(work, plan.peers, pace));
  const endMs = performance.now() + (pace.withinSeconds ?? Number.POSITIVE_INFINITY) * 1_000;
  const results: WorkReport[] = [];
  try {
    for (const [index, planned] of plan.works.entries()) {
      const [before, share, all] = [sumOf(shares.slice(0, index)), shares[index] ?? 0, sumOf(shares)];
      // What is left of the time is shared out among the works that are left.
      const withinSeconds = ((endMs - performance.now()) / 1_000) * (share / (all - before));
      const ownPace = pace.withinSeconds === undefined ? pace : { ...pace, withinSeconds };
      const tell: Progress = (text, done) => progress(text, (before + done * share) / all);
      const result = await attempt(planned, { peers: plan.peers, folder }, ownPace, tell);
      results.push(result);
      show(result);
    }
    return results;
  } finally {
    killLeftovers();
    process.off('exit', removeFolder);
    removeFolder();
  }
}

async function attempt(
  { scenario, work }: PlannedWork,
  place: Place,
  pace: Pace,
  progress: Progress,
): Promise<WorkReport> {
  if (pace.withinSeconds !== undefined && pace.withinSeconds <= 0) {
    return unmeasuredWork(scenario, work, 'leftOut', 'the time was over before its turn came');
  }
  try {
    return await runWork(scenario, work, place, pace, progress);
  } catch (error) {
    // What this work stood on could not be started; the next stands on something else.
    return unmeasuredWork(scenario, work, 'failures', messageOf(error));
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

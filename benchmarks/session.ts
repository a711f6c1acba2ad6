/** One run of the benchmarks: what can run here, for how long, and its tables. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../src/errors.js';
import type { Sizes } from './bounds.js';
import { killLeftovers } from './child.js';
import type { Peer } from './peers/peer.js';
import type { Skipped } from './report.js';
import { estimateSeconds, type Pace, runWork, type Tell, type WorkResult } from './runner.js';
import type { Scenario, Work } from './scenarios/scenario.js';
import { tableOf } from './table.js';

export interface Plan {
  readonly works: readonly { readonly scenario: string; readonly work: Work }[];
  readonly peers: readonly Peer[];
  readonly skipped: readonly Skipped[];
}

/** Leaves out what lacks something on this machine, and says what. */
export function planOf(scenarios: readonly Scenario[], peers: readonly Peer[], sizes: Sizes): Plan {
  const skipped = [...scenarios, ...peers].flatMap((each): Skipped[] => {
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
  return works.reduce((sum, { work }) => sum + estimateSeconds(work, peers, pace), 0);
}

/** Runs all works in turn; `show` gets each table as it is there, `tell` what is being done. */
export async function runPlan(plan: Plan, pace: Pace, tell: Tell, show: Tell): Promise<WorkResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  // On a signal, too, which ends the process at once.
  process.once('exit', removeFolder);
  const results: WorkResult[] = [];
  try {
    for (const { scenario, work } of plan.works) {
      try {
        const result = await runWork(scenario, work, { peers: plan.peers, folder }, pace, tell);
        results.push(result);
        show(tableOf(result));
      } catch (error) {
        // What this work stood on could not be started; the next stands on something else.
        results.push(failedWork(scenario, work, messageOf(error)));
        show(`\n${work.title}\nfailed: ${messageOf(error)}`);
      }
    }
    return results;
  } finally {
    killLeftovers();
    process.off('exit', removeFolder);
    removeFolder();
  }
}

function failedWork(scenario: string, work: Work, why: string): WorkResult {
  return { scenario, work, subjects: [], rounds: [], failures: [{ subject: scenario, why }] };
}

/** `npm run bench`: sluice beside what people would use instead, on loopback. */
import { writeFileSync } from 'node:fs';
import { messageOf, SluiceError } from '../src/errors.js';
import { fullSizes } from './bounds.js';
import { killLeftoversAtTheEnd } from './child.js';
import { machineFacts } from './machine.js';
import { type Options, parseOptions, usage } from './options.js';
import { reportOf } from './report.js';
import type { Pace, Tell } from './runner.js';
import { estimateOf, type Plan, planOf, runPlan } from './session.js';

const show: Tell = (text) => {
  clearProgress();
  console.log(text);
};

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await run(options);
} catch (error) {
  show('');
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = error instanceof SluiceError ? 2 : 1;
}

async function run({ scenarios, peers, rounds, seconds, json }: Options): Promise<void> {
  killLeftoversAtTheEnd();
  const [date, machine] = [new Date(), machineFacts()];
  const pace: Pace = { rounds, seconds, warmUp: true };
  const plan = planOf(scenarios, peers, fullSizes);
  show(
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node ${machine.node}, ${machine.commit}`,
  );
  show(`Load before: ${machine.loadBefore.toFixed(2)}. Ratios within one run count, not the figures alone.`);
  for (const peer of plan.peers) show(`  ${peer.name} ${peer.version()}: ${peer.note}`);
  for (const { name, why } of plan.skipped) show(`  ${name} is skipped: ${why}`);
  show(`${plan.works.length} tables, ${rounds} rounds each: about ${inWords(estimateOf(plan, pace))}`);
  const results = await runPlan(plan, pace, progress, show);
  clearProgress();
  if (json !== undefined) {
    const report = reportOf(date, machine, pace, plan.peers, plan.skipped, results);
    writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
    show(`\nEvery round is in ${json}.`);
  }
  if (anyFailed(plan, results.flatMap(({ failures }) => failures).length)) process.exitCode = 1;
}

function anyFailed({ works }: Plan, failures: number): boolean {
  return works.length === 0 || failures > 0;
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`;
}

/** On a terminal one line that is written over, else a line each. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  else process.stderr.write(`${text}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

/** `npm run bench`: sluice beside what people would use instead, on loopback. */
import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf, SluiceError } from '../src/errors.js';
import { killLeftoversAtTheEnd, startInOwnSessions } from './child.js';
import { comparisonText } from './comparison.js';
import { architectureFigures, picturePath, readmeFigures, withFigures } from './documents.js';
import { hasAutogroups, machineFacts } from './machine.js';
import { parseOptions, type RunOptions, usage } from './options.js';
import type { Peer } from './peers/peer.js';
import { pictureOf, type Theme, themes } from './picture.js';
import { ProgressLine } from './progress-line.js';
import { type PeerReport, type Report, readReport, type WorkReport } from './report.js';
import { estimateOf, planOf, runPlan } from './session.js';
import { tableOf } from './table.js';

const progress = new ProgressLine();

try {
  await obey(process.argv.slice(2));
} catch (error) {
  progress.clear();
  console.error(`bench: ${messageOf(error)}`);
  process.exitCode = error instanceof SluiceError ? 2 : 1;
}

async function obey(args: readonly string[]): Promise<void> {
  const asked = parseOptions(args);
  if (asked.kind === 'help') console.log(usage);
  else if (asked.kind === 'compare')
    console.log(comparisonText(readReport(asked.before), readReport(asked.after)));
  else if (asked.kind === 'render') render(asked.file);
  else await run(asked);
}

async function run({ scenarios, peers, sizes, pace, ownSessions, json }: RunOptions): Promise<void> {
  killLeftoversAtTheEnd();
  if (ownSessions) startInOwnSessions();
  const [date, machine] = [new Date(), machineFacts()];
  const plan = planOf(scenarios, peers, sizes);
  const { cpu, cores, system, kernel, node, commit, loadBefore } = machine;
  console.log(`${cpu}, ${cores} cores, ${system}, Linux ${kernel}, Node ${node}, sluice ${commit}`);
  console.log(`Load before: ${loadBefore.toFixed(2)}. Ratios within one run count, not the figures alone.`);
  if (ownSessions) {
    const effect = hasAutogroups() ? '' : ', which this kernel does not regard';
    console.log(`Each program is in a session of its own${effect}.`);
  }
  for (const peer of plan.peers) console.log(peerText(peer));
  for (const { name, why } of plan.skipped) console.log(`  ${name} is skipped: ${why}`);
  const estimate = estimateOf(plan, pace);
  const tables = `${plan.works.length} table${plan.works.length === 1 ? '' : 's'}`;
  console.log(`${tables}, up to ${pace.rounds} rounds each: about ${inWords(estimate)}`);
  progress.begin(estimate, pace.withinSeconds);
  const works = await runPlan(
    plan,
    pace,
    (text, done) => progress.tell(text, done),
    (result) => {
      progress.clear();
      console.log(tableOf(result));
    },
  );
  console.log(`\nIt took ${inWords((Date.now() - date.getTime()) / 1_000)}.`);
  const { rounds, seconds } = pace;
  const all = {
    rounds,
    seconds,
    ownSessions,
    peers: plan.peers.map(peerReport),
    skipped: [...plan.skipped],
    works,
  };
  if (json !== undefined) keep({ format: 2, date: date.toISOString(), machine, ...all }, json);
  if (anyFailed(works)) process.exitCode = 1;
}

function keep(report: Report, path: string): void {
  writeFileSync(path, `${JSON.stringify(report, undefined, 1)}\n`);
  const pictures = draw(report, path);
  console.log(
    `Every round is in ${path}${pictures.length === 0 ? '' : `, its picture in ${pictures.join(' and ')}`}.`,
  );
}

/** The files that it has written: none where there is nothing to hold sluice against. */
function draw(report: Report, path: string): string[] {
  return (Object.keys(themes) as Theme[]).flatMap((theme) => {
    const picture = pictureOf(report, theme);
    if (picture === undefined) return [];
    writeFileSync(picturePath(path, theme), picture);
    return [picturePath(path, theme)];
  });
}

/** Run in the repository's folder, as npm does. */
function render(path: string): void {
  const report = readReport(path);
  const documents = { 'README.md': readmeFigures, 'ARCHITECTURE.md': architectureFigures };
  const written = Object.entries(documents).map(([document, figures]) => {
    writeFileSync(document, withFigures(readFileSync(document, 'utf8'), figures(report, path)));
    return document;
  });
  console.log(`${[...draw(report, path), ...written].join(', ')}: made of ${path}.`);
}

function peerText(peer: Peer): string {
  const choices = Object.entries(peer.choices).map(([choice, why]) => `    ${choice}: ${why}`);
  return [`  ${peer.name} ${peer.version()}`, ...choices].join('\n');
}

function peerReport(peer: Peer): PeerReport {
  return { name: peer.name, kind: peer.kind, version: peer.version(), choices: { ...peer.choices } };
}

function anyFailed(works: readonly WorkReport[]): boolean {
  return works.length === 0 || works.some(({ failures }) => failures.length > 0);
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`;
}

/** A run as JSON: the machine, what was asked, every round. */
import type { MachineFacts } from './machine.js';
import type { Peer } from './peers/peer.js';
import type { Pace, WorkResult } from './runner.js';
import { ratioOf, summaryOf } from './table.js';

export interface Skipped {
  readonly name: string;
  readonly why: string;
}

export function reportOf(
  date: Date,
  machine: MachineFacts,
  pace: Pace,
  peers: readonly Peer[],
  skipped: readonly Skipped[],
  results: readonly WorkResult[],
) {
  return {
    date: date.toISOString(),
    machine,
    rounds: pace.rounds,
    seconds: pace.seconds,
    peers: peers.map((peer) => ({ name: peer.name, version: peer.version(), note: peer.note })),
    skipped,
    works: results.map(workReport),
  };
}

function workReport(result: WorkResult) {
  const { scenario, work, subjects, rounds, failures } = result;
  return {
    scenario,
    title: work.title,
    reference: work.reference,
    figures: work.figures,
    summary: subjects.map((subject) => ({
      subject,
      figures: Object.fromEntries(work.figures.map(({ key }) => [key, summaryOf(result, subject, key)])),
      ratios: Object.fromEntries(work.figures.map(({ key }) => [key, ratioOf(result, subject, key)])),
    })),
    rounds,
    failures,
  };
}

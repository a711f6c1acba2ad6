/**
 * The result of a run, as it is kept: plain data, with every round. Tables, pictures, documents and comparisons are
 * made of it, whether it was just measured or read from a file.
 */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { messageOf, SluiceError } from '../src/errors.js';

const figureSchema = v.object({
  key: v.string(),
  /** With its unit: a column's title. */
  title: v.string(),
  better: v.picklist(['more', 'less']),
  digits: v.number(),
});

/** A peer, scenario or subject, and what is to be said of it. */
const remarkSchema = v.object({ name: v.string(), why: v.string() });

const workSchema = v.object({
  scenario: v.string(),
  title: v.string(),
  /** What the picture calls it; absent where it has no place there. */
  label: v.exactOptional(v.string()),
  reference: v.string(),
  /** The first is the one that ratios are of. */
  figures: v.tupleWithRest([figureSchema], figureSchema),
  /** In the order of the table. */
  subjects: v.array(v.string()),
  rounds: v.array(
    v.object({ round: v.number(), subject: v.string(), measured: v.record(v.string(), v.number()) }),
  ),
  failures: v.array(remarkSchema),
  leftOut: v.array(remarkSchema),
});

const machineSchema = v.object({
  cpu: v.string(),
  cores: v.number(),
  memoryBytes: v.number(),
  system: v.string(),
  kernel: v.string(),
  /** What the kernel gives a TCP socket that asks for none: it decides much of bulk. */
  congestionControl: v.string(),
  node: v.string(),
  /** Over the last minute, before the first round: others' work disturbs the figures. */
  loadBefore: v.number(),
  openFiles: v.number(),
  /** With `+` where files were changed since. */
  commit: v.string(),
  /** Versions of the load generators and targets. */
  tools: v.record(v.string(), v.string()),
});

const peerSchema = v.object({
  name: v.string(),
  kind: v.picklist(['none', 'sluice', 'other']),
  version: v.string(),
  /** Each choice made for it, and why. */
  choices: v.record(v.string(), v.string()),
});

const reportSchema = v.object({
  format: v.literal(2),
  date: v.string(),
  machine: machineSchema,
  rounds: v.number(),
  seconds: v.number(),
  /** Whether each program was in a session of its own; in older results all were in one. */
  ownSessions: v.optional(v.boolean(), false),
  peers: v.array(peerSchema),
  skipped: v.array(remarkSchema),
  works: v.array(workSchema),
});

export type Figure = Readonly<v.InferOutput<typeof figureSchema>>;
export type Remark = Readonly<v.InferOutput<typeof remarkSchema>>;
/** By a figure's key. */
export type Measured = Readonly<Record<string, number>>;
export type WorkReport = Readonly<v.InferOutput<typeof workSchema>>;
export type MachineFacts = Readonly<v.InferOutput<typeof machineSchema>>;
export type PeerReport = Readonly<v.InferOutput<typeof peerSchema>>;
export type Report = Readonly<v.InferOutput<typeof reportSchema>>;

/** @throws SluiceError SLUICE_USAGE that names the file and what is wrong with it */
export function readReport(path: string): Report {
  try {
    return v.parse(reportSchema, JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', `${path} is no result of these benchmarks: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What the figures hang on, in a few words. */
export function machineText({ machine, ownSessions }: Report): string {
  const { cores, cpu, kernel, congestionControl, node } = machine;
  return `${cores} cores of ${cpu}, Linux ${kernel} with ${congestionControl}, Node ${node}${ownSessions ? ', own sessions' : ''}`;
}

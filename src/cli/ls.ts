/** `sluice ls`: the instances that run. */
import prettyBytes from 'pretty-bytes';
import type { InstanceClient } from '../admin/client.js';
import type { InstanceDescription } from '../admin/describe.js';
import { runningInstances } from '../admin/instances.js';
import { messageOf, printable } from '../errors.js';
import { portsColumn } from './port-texts.js';
import { printAnswer } from './print-answer.js';
import { type Column, formatTable } from './table.js';

export interface LsOptions {
  readonly quiet: boolean;
  readonly format: 'table' | 'json';
}

/** What is known of an instance; of one that does not answer only its name, and why. */
type Listed =
  | InstanceDescription
  | { readonly name: string; readonly status: string; readonly error: string };

export async function ls({ quiet, format }: LsOptions): Promise<void> {
  const running = await runningInstances();
  if (quiet) {
    printAnswer(running.map(({ name }) => `${name}\n`).join(''));
    return;
  }
  const listed = await Promise.all(running.map(listedOf));
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  printAnswer(
    format === 'json'
      ? `${JSON.stringify(listed.map(summaryOf), null, 2)}\n`
      : formatTable(columns, listed, width),
  );
}

async function listedOf(instance: InstanceClient): Promise<Listed> {
  try {
    return await instance.describe();
  } catch (error) {
    return { name: instance.name, status: 'not answering', error: messageOf(error) };
  }
}

/** A row of the table, as data. */
function summaryOf(listed: Listed) {
  if ('error' in listed) return listed;
  const { name, pid, status, flows, bytes_in, bytes_out, started, mappings } = listed;
  const ports = mappings
    .filter(({ draining }) => !draining)
    .flatMap(({ listeners, target, protocol, to, in: inside }) =>
      listeners.map(({ ip, port }) => ({ ip, port, target, protocol, to, in: inside })),
    );
  return { name, pid, target: targetsOf(listed), status, ports, flows, bytes_in, bytes_out, started };
}

const columns: readonly Column<Listed>[] = [
  { title: 'NAME', cell: ({ name }) => [name], least: 8 },
  { title: 'TARGET', cell: whereKnown((listed) => columnOfTargets(targetsOf(listed))), least: 10 },
  { title: 'STATUS', cell: ({ status }) => [status], least: 12 },
  {
    title: 'PORTS',
    cell: whereKnown(({ mappings }) => portsColumn(mappings.filter(({ draining }) => !draining))),
    below: true,
  },
  { title: 'FLOWS', cell: whereKnown(({ flows }) => [String(flows)]), alignRight: true },
  { title: 'IN', cell: whereKnown(({ bytes_in }) => [amount(bytes_in)]), alignRight: true },
  { title: 'OUT', cell: whereKnown(({ bytes_out }) => [amount(bytes_out)]), alignRight: true },
  { title: 'UPTIME', cell: whereKnown(({ uptime_ms }) => [roughly(uptime_ms)]), alignRight: true },
];

function whereKnown(cell: (listed: InstanceDescription) => string[]): (listed: Listed) => string[] {
  return (listed) => ('error' in listed ? [] : cell(listed));
}

function targetsOf({ mappings }: InstanceDescription): string[] {
  return [...new Set(mappings.map(({ to }) => to))];
}

function columnOfTargets(targets: readonly string[]): string[] {
  const [first = ''] = targets.map(printable);
  return [targets.length > 1 ? `${first} and ${targets.length - 1} more` : first];
}

function amount(bytes: number): string {
  return prettyBytes(bytes, { maximumFractionDigits: 1, space: true });
}

const roughUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** The one unit that matters: `3 d`, `2 h`, `5 m`, `12 s`. */
function roughly(milliseconds: number): string {
  const [unit, size] = roughUnits.find(([, each]) => milliseconds >= 2 * each) ?? (['s', 1000] as const);
  return `${Math.floor(milliseconds / size)} ${unit}`;
}

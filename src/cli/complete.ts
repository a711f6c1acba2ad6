/** How a command line may go on: for the shells' completion scripts. */
import type { Options } from 'yargs';
import type { InstanceClient } from '../admin/client.js';
import { findInstance, runningInstances } from '../admin/instances.js';
import { limits } from '../limits.js';
import { type CommandForm, type CommandName, commandForms, commandNames } from './command-options.js';
import type { OptionTable } from './option-table.js';
import { printAnswer } from './print-answer.js';
import { filesLine, shells } from './shells.js';

interface Candidate {
  readonly value: string;
  readonly meaning: string;
}

type Offer = (words: readonly string[]) => Promise<readonly Candidate[]> | readonly Candidate[];

interface Completed {
  readonly meaning: string;
  /** What stands where no option does, in turn; the last one repeats where `repeats` says so. */
  readonly positionals: readonly Offer[];
  readonly repeats?: boolean;
}

const files: readonly Candidate[] = [{ value: filesLine, meaning: '' }];
const none: Offer = () => [];

const commands: Readonly<Record<CommandName, Completed>> = {
  run: { meaning: 'Publish ports of a target', positionals: [none] },
  ls: { meaning: 'List the instances that run', positionals: [] },
  port: { meaning: 'List the ports of an instance', positionals: [instances, ports] },
  logs: { meaning: 'Show its access log', positionals: [instances] },
  inspect: { meaning: 'Show all that it knows', positionals: [instances] },
  publish: { meaning: 'Publish more ports', positionals: [instances] },
  unpublish: {
    meaning: 'Free ports',

    positionals: [instances, ports],
    repeats: true,
  },
  stop: { meaning: 'End instances', positionals: [instances], repeats: true },
  check: { meaning: 'Check a mapping file', positionals: [() => files] },
  schema: { meaning: "Print the mapping file's JSON Schema", positionals: [] },
  demo: { meaning: 'Publish a small built-in target', positionals: [] },
  completion: {
    meaning: 'Print the completion script of a shell',

    positionals: [() => shells.map((shell) => ({ value: shell, meaning: 'shell' }))],
  },
};

/**
 * Prints what the last word may become, a value, a tab and its meaning a line.
 *
 * @param words all words after `sluice`, up to the one that is being written
 */
export async function complete(words: readonly string[]): Promise<void> {
  const current = words.at(-1) ?? '';
  const candidates = (await candidatesFor(words.slice(0, -1), current)).filter(
    ({ value }) => value === filesLine || value.startsWith(current),
  );
  printAnswer(
    candidates
      .map(({ value, meaning }) => (meaning === '' ? `${value}\n` : `${value}\t${meaning}\n`))
      .join(''),
  );
}

async function candidatesFor(before: readonly string[], current: string): Promise<readonly Candidate[]> {
  const [name, ...words] = before;
  if (name === undefined) {
    return Object.entries(commands).map(([value, { meaning }]) => ({ value, meaning }));
  }
  const command = commandNames.find((known) => known === name);
  if (command === undefined) return [];
  const { options }: CommandForm = commandForms[command];
  const option = takingValue(options, words.at(-1));
  if (option !== undefined) return valuesOf(option);
  if (current.startsWith('-')) return optionsOf(options);
  const given = positionalsIn(options, words);
  const { positionals, repeats = false } = commands[command];
  const offer = positionals[given.length] ?? (repeats ? positionals.at(-1) : undefined);
  return offer === undefined ? [] : offer(given);
}

/** The option that a word names, where its value is the next word. */
function takingValue(
  options: OptionTable,
  word: string | undefined,
): (Options & { name: string }) | undefined {
  for (const [name, option] of Object.entries(options)) {
    if (option.type === 'boolean') continue;
    if (word === `--${name}` || word === `-${String(option.alias)}`) return { ...option, name };
  }
  return undefined;
}

function valuesOf({ name, choices, describe }: Options & { name: string }): readonly Candidate[] {
  if (name === 'config') return files;
  return (choices ?? []).map((choice) => ({ value: String(choice), meaning: describe ?? '' }));
}

function optionsOf(options: OptionTable): Candidate[] {
  const own = Object.entries(options).map(([name, option]) => ({
    // What is on anyway is there to be turned off.
    value: option.type === 'boolean' && option.default === true ? `--no-${name}` : `--${name}`,
    meaning: option.describe ?? '',
  }));
  return [...own, { value: '--help', meaning: 'Show help' }];
}

function positionalsIn(options: OptionTable, words: readonly string[]): string[] {
  return words.filter(
    (word, index) => !word.startsWith('-') && takingValue(options, words[index - 1]) === undefined,
  );
}

async function instances(): Promise<Candidate[]> {
  const running = await orNone(runningInstances());
  return running.map(({ name }) => ({ value: name, meaning: 'instance' }));
}

async function ports([name = '']: readonly string[]): Promise<Candidate[]> {
  const mappings = await orNone(findInstance(name).then(mappingsOf));
  const targets = new Set(mappings.map(({ target, protocol }) => `${target}/${protocol}`));
  return [...targets].map((value) => ({ value, meaning: `port of ${name}` }));
}

async function mappingsOf(instance: InstanceClient) {
  return (await instance.describe(limits.completionAnswerMs)).mappings;
}

/** Somebody who presses Tab is told nothing; the command itself will say what is wrong. */
async function orNone<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked;
  } catch {
    return [];
  }
}

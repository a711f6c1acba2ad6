/** What is said of a wrong command line, in place of yargs' own words, which speak of its terms. */
import { closestMatch } from 'leven';
import { printable, SluiceError } from '../errors.js';
import type { OptionTable } from './option-table.js';

/** What was asked for. */
export interface Asked {
  /** `sluice` or `sluice run`: has a --help that tells more. */
  readonly program: string;
  /** `<name> [port]` */
  readonly positionals: string;
  readonly options: OptionTable;
  /** The names of commands, where one of them was to be chosen. */
  readonly commands: readonly string[];
  /** As yargs has read them. */
  readonly words: readonly string[];
}

/** What to do, as a text, from what a pattern has found. */
type Explain = (asked: Asked, found: string) => string;

const explanations: readonly (readonly [RegExp, Explain])[] = [
  [/^Not enough non-option arguments: got (\d+)/, whatIsMissing],
  [
    /^Not enough arguments following: (.+)$/,
    ({ program }, name) => `${dashed(name)} needs a value: see ${program} --help`,
  ],
  [
    /^Missing required arguments?: (.+)$/,
    ({ program }, name) => `no --${name} was given: see ${program} --help`,
  ],
  [/^Unknown commands?: (.+)$/, unknownCommand],
  [/^Unknown arguments?: (.+)$/, unknownWords],
  [
    /^Invalid values: Argument: (.+)$/,
    (_, found) => found.replace(/^(\S+), Given: (.+), Choices: /, '$1 $2 is none of '),
  ],
];

export function usageFault(message: string, asked: Asked): SluiceError {
  // yargs spreads some messages over several lines.
  const line = message.trim().replace(/\s*\n\s*/g, ' ');
  for (const [theirs, explain] of explanations) {
    const found = theirs.exec(line)?.[1];
    if (found !== undefined) return usage(explain(asked, found));
  }
  return usage(line);
}

function usage(message: string): SluiceError {
  return new SluiceError('SLUICE_USAGE', printable(message));
}

const questions: Readonly<Record<string, string>> = {
  name: 'which instance?',
  names: 'which instance?',
  ports: 'which port?',
  shell: 'which shell?',
};

function whatIsMissing({ program, positionals }: Asked, given: string): string {
  const [, name = ''] = [...positionals.matchAll(/<(\w+)/g)][Number(given)] ?? [];
  return `${questions[name] ?? 'too few arguments:'} Usage: ${program} ${positionals}`;
}

function unknownCommand({ program, commands }: Asked, word: string): string {
  return `Unknown command: ${word}${didYouMean(word, commands)} See ${program} --help`;
}

function unknownWords(asked: Asked, found: string): string {
  const names = found.split(', ');
  // yargs has such an option twice, as it was written and in camel case.
  const unknown = names.filter(
    (name) => !names.some((other) => other !== name && camelCased(other) === name),
  );
  const words = unknown.map((name) => asWritten(name, asked.words));
  const [first = ''] = words;
  const hint = words.length === 1 && first.startsWith('--') ? didYouMean(first, longOptions(asked)) : '.';
  return `Unknown argument${words.length > 1 ? 's' : ''}: ${words.join(', ')}${hint} See ${asked.program} --help`;
}

/** yargs tells the name of an option without its dashes. */
function asWritten(name: string, words: readonly string[]): string {
  const options = words.filter((word) => word.startsWith('-'));
  const long = [`--${name}`, `--no-${name}`].find((option) =>
    options.some((word) => word === option || word.startsWith(`${option}=`)),
  );
  const isLetter = name.length === 1 && options.some((word) => /^-\w/.test(word) && word.includes(name));
  return long ?? (isLetter ? `-${name}` : name);
}

function longOptions({ options }: Asked): string[] {
  const own = Object.entries(options).flatMap(([name, { type }]) =>
    type === 'boolean' ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  );
  return [...own, '--help', '--version'];
}

/** As it goes on: a question, or the end of the sentence. */
function didYouMean(word: string, choices: readonly string[]): string {
  const nearest = closestMatch(word, [...choices], { maxDistance: Math.ceil(word.length / 2) });
  return nearest === undefined ? '.' : `, did you mean ${nearest}?`;
}

function camelCased(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

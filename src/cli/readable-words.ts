/** The words of a command line, in a form that yargs and its parser read right. */
import { lettersWhere, type OptionTable } from './option-table.js';
import { refuseWrongSwitches } from './refuse-wrong-switches.js';

/** Behind it no word is an option. */
const endOfOptions = '--';

/**
 * What follows an option's letter in the same word is its value, as docker has it: `-p8080:80`, `-fn5`. yargs goes on
 * reading letters there, and reads a value for certain only behind `=`.
 *
 * @throws SluiceError SLUICE_USAGE where a switch has a value that is none, which yargs would read as any other
 */
export function readableWords(words: readonly string[], options: OptionTable): string[] {
  const switches = lettersWhere(options, ({ type }) => type === 'boolean');
  const others = lettersWhere(options, ({ type }) => type !== 'boolean');
  const joined = new RegExp(`^(-[${switches}]*[${others}])([^=].*)$`, 's');
  const [before, after] = atEndOfOptions(words);
  const readable = before.map((word) => word.replace(joined, '$1=$2'));
  refuseWrongSwitches(readable, options);
  return [...readable, ...after];
}

function atEndOfOptions(words: readonly string[]): [before: readonly string[], after: readonly string[]] {
  const end = words.indexOf(endOfOptions);
  return end < 0 ? [words, []] : [words.slice(0, end), words.slice(end)];
}

/** Stands before a word that looks like an option and is none. No argument of a process has such a character. */
const mark = '\0';

/** yargs, unlike its parser, drops what follows `--`: so it goes without, and those words are marked until it is done. */
export function withMarks(words: readonly string[]): string[] {
  const [before, [, ...after]] = atEndOfOptions(words);
  return [...before, ...after.map((word) => word.replace(/^-/, `${mark}-`))];
}

/** A text of yargs, which quotes some words as JSON has them. */
export function withoutMarks(text: string): string {
  return text.replace(/\0|\\u0000/g, '');
}

/** The same of what yargs has read, where it is text, or a list of it. */
export function takeMarksOff(options: Record<string, unknown>): void {
  const unmarked = (value: unknown) => (typeof value === 'string' ? value.replace(mark, '') : value);
  for (const [name, value] of Object.entries(options)) {
    options[name] = Array.isArray(value) ? value.map(unmarked) : unmarked(value);
  }
}

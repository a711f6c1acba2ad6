/** The words of a command line, in a form that yargs' parser reads right. */
import { lettersWhere, type OptionTable } from './option-table.js';

/**
 * What follows an option's letter in the same word is its value, as docker has it: `-p8080:80`, `-fn5`. yargs goes on
 * reading letters there, and reads a value for certain only behind `=`.
 */
export function readableWords(words: readonly string[], options: OptionTable): string[] {
  const switches = lettersWhere(options, ({ type }) => type === 'boolean');
  const others = lettersWhere(options, ({ type }) => type !== 'boolean');
  const joined = new RegExp(`^(-[${switches}]*[${others}])([^=].*)$`, 's');
  return words.map((word) => word.replace(joined, '$1=$2'));
}

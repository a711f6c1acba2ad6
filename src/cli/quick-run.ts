/**
 * Reads a `sluice run` that is plainly right, without yargs: loading it takes longer than all else a start does, and a
 * sidecar starts for every mapping. It is yargs' own parser, on the same table of options. Whatever is not plainly right
 * (help, an unknown option, a repeated one, a value that is none) is left to the whole parser, which says what is wrong.
 */
import parse from 'yargs-parser';
import { type Option, type OptionTable, optionNamed } from './option-table.js';
import { readableWords } from './readable-words.js';
import { type RunOptions, runOptionTable } from './run-options.js';

const table: OptionTable = runOptionTable;
const namesWhere = (holds: (option: Option) => boolean) =>
  Object.entries(table).flatMap(([name, option]) => (holds(option) ? [name] : []));

/**
 * @returns undefined where the whole parser has to look at it
 * @throws SluiceError SLUICE_USAGE as that one would
 */
export function quickRunOptions(argv: readonly string[]): RunOptions | undefined {
  if (argv[0] !== 'run') return undefined;
  const { argv: parsed, error } = parse.detailed(readableWords(argv.slice(1), table), {
    string: namesWhere(({ type, choices }) => type === 'string' || choices !== undefined),
    array: namesWhere(({ array }) => array === true),
    boolean: namesWhere(({ type }) => type === 'boolean'),
    narg: Object.fromEntries(namesWhere(({ requiresArg }) => requiresArg === true).map((name) => [name, 1])),
    alias: Object.fromEntries(namesWhere(({ alias }) => alias !== undefined).map(aliasOf)),
    configuration: {
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'strip-aliased': true,
      'strip-dashed': true,
    },
  });
  const { _: positionals, ...given } = parsed;
  const [target] = positionals;
  if (error !== null || positionals.length !== (given['config'] === undefined ? 1 : 0)) return undefined;
  if (!Object.entries(given).every(([name, value]) => isPlain(name, value))) return undefined;
  return { ...defaults(), ...given, ...(target === undefined ? {} : { target: String(target) }) };
}

function isPlain(name: string, value: unknown): boolean {
  const option = optionNamed(table, name);
  if (option === undefined) return false;
  if (option.type === 'boolean') return typeof value === 'boolean';
  if (option.array === true) return Array.isArray(value) && value.length > 0 && value.every(isText);
  return isText(value) && (option.choices === undefined || option.choices.includes(value));
}

function aliasOf(name: string): [string, string[]] {
  return [name, [table[name]?.alias ?? []].flat()];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function defaults() {
  return {
    drainTimeout: runOptionTable['drain-timeout'].default,
    engine: runOptionTable.engine.default,
    logLevel: runOptionTable['log-level'].default,
    accessLog: runOptionTable['access-log'].default,
    control: runOptionTable.control.default,
    publishAll: runOptionTable['publish-all'].default,
  };
}

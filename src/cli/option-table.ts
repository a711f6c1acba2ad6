/** What a table of options is made of. */
import type { Options } from 'yargs';

export type OptionTable = Readonly<Record<string, Options>>;

/** The letters of the options for which something holds. */
export function lettersWhere(table: OptionTable, holds: (option: Options) => boolean): string {
  const aliases = Object.values(table).flatMap((option) => (holds(option) ? (option.alias ?? []) : []));
  return aliases.filter((alias) => alias.length === 1).join('');
}

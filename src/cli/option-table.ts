/** What a table of options is made of. */
import type { Options } from 'yargs';

/** A switch, or an option whose value has to be there: where it is forgotten, yargs would go on as if nothing was said. */
export type Option = Options & ({ readonly type: 'boolean' } | { readonly requiresArg: true });
export type OptionTable = Readonly<Record<string, Option>>;

/** By one of the names that yargs knows it by: `access-log`, `accessLog`, `P`. */
export function optionNamed(table: OptionTable, given: string): Option | undefined {
  const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.hasOwn(table, name)
    ? table[name]
    : Object.values(table).find(({ alias }) => alias !== undefined && alias === given);
}

/** The letters of the options for which something holds. */
export function lettersWhere(table: OptionTable, holds: (option: Option) => boolean): string {
  const aliases = Object.values(table).flatMap((option) => (holds(option) ? (option.alias ?? []) : []));
  return aliases.filter((alias) => alias.length === 1).join('');
}

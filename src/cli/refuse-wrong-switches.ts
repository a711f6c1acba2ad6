import { printable, SluiceError } from '../errors.js';
import { type OptionTable, optionNamed } from './option-table.js';

/** yargs' own, which each command has. */
const everywhere = {
  help: { alias: 'h', type: 'boolean' },
  version: { type: 'boolean' },
} as const satisfies OptionTable;

/** `--name`, `--no-name`, `-n` or the last of several letters, and perhaps a value. */
const optionWord = /^(?:--(no-)?|-\w*(?=\w(?:=|$)))([^=]+)(?:=(.*))?$/s;

/**
 * yargs takes every value but true for false, and `--no-` before any name: a slip of the pen would turn something off.
 *
 * @throws SluiceError SLUICE_USAGE
 */
export function refuseWrongSwitches(words: readonly string[], options: OptionTable): void {
  for (const word of words) {
    const [, no = '', name = '', value] = optionWord.exec(word) ?? [];
    const option = optionNamed({ ...everywhere, ...options }, name);
    if (option === undefined) continue;
    const fault = faultOf({ isSwitch: option.type === 'boolean', isNegated: no !== '', value });
    if (fault !== undefined) throw new SluiceError('SLUICE_USAGE', `${printable(word)}: ${fault}`);
  }
}

interface GivenOption {
  readonly isSwitch: boolean;
  readonly isNegated: boolean;
  readonly value: string | undefined;
}

function faultOf({ isSwitch, isNegated, value }: GivenOption): string | undefined {
  if (isNegated && !isSwitch) return 'only what is on or off takes --no-: see --help';
  if (isNegated && value !== undefined) return 'it takes no value';
  if (isSwitch && value !== undefined && !/^(true|false)$/.test(value)) return 'it must be true or false';
  return undefined;
}

import { SluiceError } from '../errors.js';

/** What may be given several times. */
const lists = ['publish', 'p', 'names', 'ports', '_'];

/** All options but -p have one value: yargs would hand several over as a list. */
export function refuseRepeated(options: Readonly<Record<string, unknown>>): true {
  for (const [option, value] of Object.entries(options)) {
    if (lists.includes(option)) continue;
    if (Array.isArray(value)) {
      throw new SluiceError(
        'SLUICE_USAGE',
        `--${option} was given ${value.length} times: it takes one value`,
      );
    }
  }
  return true;
}

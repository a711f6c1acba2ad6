import { printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';

const millisecondsPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof millisecondsPerUnit;

/** What a duration looks like: Go's and Compose's form, without the units below a millisecond. */
export const durationPattern = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;
export const durationAllowed = 'a duration such as "500ms", "5s" or "1m30s", at most 24 days (576h)';

/**
 * Reads `1m30s` as milliseconds, rounded to whole ones.
 *
 * @throws SluiceError SLUICE_BAD_DURATION
 */
export function parseDuration(text: string): number {
  const total = durationPattern.test(text) ? sumOfParts(text) : Number.NaN;
  if (!(total <= limits.durationMs)) {
    throw new SluiceError(
      'SLUICE_BAD_DURATION',
      `invalid duration ${printable(JSON.stringify(text))}: it must be ${durationAllowed}`,
    );
  }
  return Math.round(total);
}

/**
 * The same, where none at all would make no sense.
 *
 * @throws SluiceError SLUICE_BAD_DURATION
 */
export function parsePositiveDuration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds > 0) return milliseconds;
  throw new SluiceError(
    'SLUICE_BAD_DURATION',
    `invalid duration ${JSON.stringify(text)}: it must be 1ms or more`,
  );
}

function sumOfParts(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * millisecondsPerUnit[unit as Unit];
  }
  return total;
}

/** The shortest exact form: parsing it gives the same number. */
export function formatDuration(milliseconds: number): string {
  const units: readonly Unit[] = ['h', 'm', 's'];
  let rest = milliseconds;
  let text = '';
  for (const unit of units) {
    const whole = Math.floor(rest / millisecondsPerUnit[unit]);
    if (whole > 0) text += `${whole}${unit}`;
    rest -= whole * millisecondsPerUnit[unit];
  }
  if (rest > 0) text += `${rest}ms`;
  return text === '' ? '0s' : text;
}

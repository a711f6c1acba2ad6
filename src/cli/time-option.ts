import { messageOf, SluiceError } from '../errors.js';
import { parseDuration } from '../publish/duration.js';

/**
 * A duration as an instance reads it; a bare number is of seconds, as `docker stop --time` has it.
 *
 * @throws SluiceError SLUICE_USAGE
 */
export function durationText(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const duration = /^\d+$/.test(text) ? `${text}s` : text;
  try {
    parseDuration(duration);
    return duration;
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', `${option}: ${messageOf(error)}`, { cause: error });
  }
}

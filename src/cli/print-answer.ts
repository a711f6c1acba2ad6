import { errnoOf } from '../errors.js';
import { tellError } from './tell-error.js';

/** Writes a command's whole answer to stdout. A reader that had enough (`| head -1`) is no fault; a full disk is. */
export function printAnswer(text: string): void {
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') process.exitCode = tellError(error);
  });
  process.stdout.write(text);
}

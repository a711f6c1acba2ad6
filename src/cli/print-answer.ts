import { errnoOf, messageOf } from '../errors.js';
import { tellError } from './tell-error.js';

/** Writes a command's whole answer to stdout, or a line of it as it comes. */
export function printAnswer(text: string): void {
  // One is enough: `sluice stop` prints a name for each instance, and Node warns of more than ten.
  if (process.stdout.listenerCount('error') === 0) {
    onStdoutFault((fault) => {
      process.exitCode = tellError(fault);
    });
  }
  process.stdout.write(text);
}

/** A reader that had enough (`| head -1`), or is gone, is no fault of stdout; a full disk is. */
export function onStdoutFault(tell: (fault: Error) => void): void {
  process.stdout.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') tell(new Error(`cannot write to stdout: ${messageOf(error)}`));
  });
}

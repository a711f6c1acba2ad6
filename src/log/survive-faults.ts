import { causeOf } from '../errors.js';

/** A fault of our own that nobody has caught never ends the process, and the flows with it: it is told of, in one line. */
export function surviveFaults(tell: (message: string) => void): void {
  const fault = (error: unknown) => tell(`a fault of its own, please report it: ${causeOf(error)}`);
  process.on('uncaughtException', fault);
  process.on('unhandledRejection', fault);
}

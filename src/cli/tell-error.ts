import { messageOf, SluiceError } from '../errors.js';

/** 0 ended as asked, 1 could not do it, 2 wrong usage. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Tells an error on stderr, a line for itself and one for each of its faults, and gives the exit code it means. */
export function tellError(error: unknown): ExitCode {
  const faults = error instanceof SluiceError ? error.faults : [];
  const lines = [
    `sluice: ${asksForFolder(error) ? 'the folder it was started in is gone: start it in another' : messageOf(error)}`,
    ...faults.map((fault) => `  ${fault}`),
  ];
  // Where nobody reads stderr the exit code still tells.
  process.stderr.on('error', () => undefined);
  process.stderr.write(`${lines.join('\n')}\n`);
  return isUsage(error) ? exitCodes.usage : exitCodes.failed;
}

/** yargs does as it is loaded, where it lies in no node_modules. */
function asksForFolder(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

/** yargs names its own errors; they are about the command line too. */
function isUsage(error: unknown): boolean {
  if (error instanceof SluiceError) return error.code === 'SLUICE_USAGE';
  return error instanceof Error && error.name === 'YError';
}

/** The command line's entry: the common case at once, everything else by the whole parser. */
import { quickRunOptions } from './quick-run.js';
import { run } from './run.js';
import { tellError } from './tell-error.js';

/** Runs a command line; where that has not ended the process, its exit code is in `process.exitCode`. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    const options = quickRunOptions(argv);
    if (options === undefined) {
      const { commandLine } = await import('./command-line.js');
      await commandLine(argv);
    } else {
      await run(options);
    }
  } catch (error) {
    process.exitCode = tellError(error);
  }
}

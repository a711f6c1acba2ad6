/** Several sluices that share a runtime folder, and the commands that speak to them. */
import { temporaryFolder } from './folder.js';
import type { Scope } from './scope.js';
import {
  runSluice,
  type SluiceProcess,
  type StartOptions,
  sluiceOutput,
  spawnSluice,
} from './sluice-process.js';

export type Output = Awaited<ReturnType<typeof sluiceOutput>>;

export interface Instances {
  /** The runtime folder. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  run(args: readonly string[], lines?: number, options?: StartOptions): Promise<SluiceProcess>;
  /** Started and not waited for. */
  spawn(args: readonly string[], options?: StartOptions): SluiceProcess;
  /** Runs a command that ends by itself. */
  ask(...args: readonly string[]): Promise<Output>;
  /** Its stdout, where it ends well. */
  answer(...args: readonly string[]): Promise<string>;
}

export function instancesIn(scope: Scope, folder = temporaryFolder(scope)): Instances {
  const env = { SLUICE_RUNTIME_DIR: folder };
  const ask = (...args: readonly string[]) => sluiceOutput(scope, args, { env });
  return {
    folder,
    env,
    run: (args, lines, options = {}) =>
      runSluice(scope, args, lines, { ...options, env: { ...env, ...options.env } }),
    spawn: (args, options = {}) => spawnSluice(scope, args, { ...options, env: { ...env, ...options.env } }),
    ask,
    answer: async (...args) => {
      const { code, stdout, stderr } = await ask(...args);
      if (code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${code}: ${stderr}`);
      return stdout;
    },
  };
}

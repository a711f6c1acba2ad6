/** strace(1) on running threads: what they call, and calls made to fail. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.js';
import type { Scope } from './scope.js';
import { until, withDeadline } from './until.js';

/** Whoever may trace its own children's siblings may trace this process: a strace that is started asks. */
export const canTrace =
  process.platform === 'linux' &&
  spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;

export interface Trace {
  /** What was written so far: a line a call, after the thread's number. */
  lines(): string[];
  /** Lets the threads go. */
  stop(): Promise<void>;
}

/** Attaches to these threads, and to those they start with `-f` among the options; done when it has all of them. */
export async function trace(
  scope: Scope,
  threads: readonly number[],
  options: readonly string[],
): Promise<Trace> {
  const file = join(temporaryFolder(scope), 'trace');
  const attach = threads.flatMap((thread) => ['-p', String(thread)]);
  const child = spawn('strace', ['-o', file, ...options, ...attach], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'close');
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
    await withDeadline(ended, () => `strace does not end: ${said}`);
  };
  scope.onEnd(stop);
  await until('strace to attach', () => {
    if (child.exitCode !== null) throw new Error(`strace ended: ${said}`);
    return threads.every((thread) => said.includes(`Process ${thread} attached`));
  });
  return {
    lines: () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    stop,
  };
}

export function threadsOf(process: number): number[] {
  return readdirSync(`/proc/${process}/task`).map(Number);
}

/** How often a trace says that it made a call fail. */
export function failuresMade(made: Trace): number {
  return made.lines().filter((line) => line.includes('(INJECTED)')).length;
}

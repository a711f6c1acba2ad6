/** What a result needs to be judged by: the machine, the versions, the commit. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { versionOf } from './tools.js';

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Over the last minute, before the first round: others' work disturbs the figures. */
  readonly loadBefore: number;
  readonly openFiles: number;
  readonly commit: string;
  readonly tools: Readonly<Record<string, string>>;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    openFiles: openFilesLimit(),
    commit: commit(),
    tools: {
      wrk: versionOf('wrk', ['-v'], /wrk (\S+)/),
      iperf3: versionOf('iperf3', ['-v'], /iperf (\S+)/),
      nginx: versionOf('nginx', ['-v'], /nginx\/(\S+)/),
    },
  };
}

/** The hard limit: every program here raises its own to it, or is told to. */
export function openFilesLimit(): number {
  const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  // More than a million gains nothing, and some programs size tables by it.
  return Math.min(Number(limit ?? 1_024), 1_000_000);
}

/** With `+` where files were changed since; `unknown` outside a checkout. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8', timeout: 5_000 });
  const { status, stdout } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'unknown';
  return `${stdout.trim()}${git('status', '--porcelain').stdout.trim() === '' ? '' : '+'}`;
}

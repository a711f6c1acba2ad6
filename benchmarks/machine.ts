/** What a result needs to be judged by: the machine, the versions, the commit. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { MachineFacts } from './report.js';
import { versionOf } from './tools.js';

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(),
    kernel: release(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
    openFiles: openFilesLimit(),
    commit: commit(),
    tools: {
      autocannon: packageVersion('autocannon'),
      koffi: packageVersion('koffi'),
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

/** As os-release(5) has it for people. */
function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  } catch {
    // A system without the file is some Linux.
    return 'Linux';
  }
}

function packageVersion(name: string): string {
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return /"version": "([^"]+)"/.exec(readFileSync(path, 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'not installed';
  }
}

/** With `+` where files were changed since; `unknown` outside a checkout. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8', timeout: 5_000 });
  const { status, stdout } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'unknown';
  return `${stdout.trim()}${git('status', '--porcelain').stdout.trim() === '' ? '' : '+'}`;
}

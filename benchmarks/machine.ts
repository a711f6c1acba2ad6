/** What a result needs to be judged by: the machine, the versions, the commit. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { MachineFacts } from './report.js';
import { versionOf } from './tools.js';

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(),
    kernel: release(),
    congestionControl: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
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

/** Whether sessions make a difference to the scheduler: the autogroup feature of sched(7). */
export function hasAutogroups(): boolean {
  const path = '/proc/sys/kernel/sched_autogroup_enabled';
  return existsSync(path) && readFileSync(path, 'utf8').trim() === '1';
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

/** Read as a file: a package need not export its description. */
function packageVersion(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) return 'not installed';
  return /"version": "([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'unknown';
}

/** With `+` where files were changed since; `unknown` outside a checkout. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8', timeout: 5_000 });
  const { status, stdout } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'unknown';
  return `${stdout.trim()}${git('status', '--porcelain').stdout.trim() === '' ? '' : '+'}`;
}

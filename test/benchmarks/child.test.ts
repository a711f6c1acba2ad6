/** Processes of the benchmarks: none is left, whatever it forked. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Child, killLeftovers, output } from '../../benchmarks/child.js';
import { cpuSecondsOf, residentBytesOf, treeOf } from '../../benchmarks/process-tree.js';
import { until } from '../support/until.js';

afterEach(killLeftovers);

const shell = (script: string) => ({ file: '/bin/sh', args: ['-c', script] });
/** The pid of its leader: the sixth field of proc_pid_stat(5). */
const sessionOf = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]);
const isThere = (pid: number) => existsSync(`/proc/${pid}`);

describe('a child', () => {
  it('is stopped with what it forked', async () => {
    const child = new Child('a shell', shell('sleep 60 & echo forked; wait'));
    await child.said('forked');
    const tree = treeOf(child.pid);
    expect(tree).toHaveLength(2);
    await child.stop();
    await until('both to be gone', () => !tree.some(isThere));
  });

  it('that cannot be started says why, and can be stopped', async () => {
    const child = new Child('nothing', { file: '/nonexistent/program', args: [] });
    await expect(child.said('anything')).rejects.toThrow(
      'nothing ended early: spawn /nonexistent/program ENOENT',
    );
    await child.stop();
  });

  it('that ends early tells its last words', async () => {
    const child = new Child('a shell', shell('echo no port >&2; exit 3'));
    await expect(child.said('ready')).rejects.toThrow('a shell ended early: exit code 3: no port');
  });

  it('that takes too long is ended', async () => {
    await expect(output('a shell', shell('sleep 60'), 50)).rejects.toThrow('a shell failed, signal SIGKILL');
  });
});

describe('a benchmark that is killed', () => {
  it.each([
    ['', false],
    [', though each had a session of its own', true],
  ])('leaves nothing that it started%s', async (_, ownSessions) => {
    const child = new URL('../../benchmarks/child.js', import.meta.url).href;
    const code = `const { Child, startInOwnSessions } = await import(${JSON.stringify(child)});
      if (${ownSessions}) startInOwnSessions();
      const args = ['-c', 'sleep 60 & echo $!; wait'];
      const shell = new Child('a shell', { file: '/bin/sh', args });
      await shell.said(/\\d+/);
      console.log(shell.pid + ' ' + shell.stdout.trim() + ' there');`;
    const harness = new Child('a benchmark', {
      file: process.execPath,
      args: ['--input-type=module', '-e', code],
    });
    await harness.said('there');
    const pids = [...harness.stdout.matchAll(/\d+/g)].map(([pid]) => Number(pid));
    expect(pids.map(isThere)).toEqual([true, true]);
    const session = ownSessions ? pids[0] : sessionOf(harness.pid);
    expect(pids.map(sessionOf)).toEqual([session, session]);
    process.kill(harness.pid, 'SIGKILL');
    await until('the guard to have ended both', () => !pids.some(isThere));
  });
});

describe('what the system accounts', () => {
  it('is told of a process with its children, those that have ended too', async () => {
    // Until its own stat tells of 0.1 s: user and system time are the 14th and the 15th field, in hundredths (proc(5)).
    const stat = [...Array.from({ length: 13 }, () => 'x'), 'user', 'system', 'x'].join(' ');
    const busy = `user=0 system=0; while [ $((user+system)) -lt 10 ]; do read -r ${stat} < /proc/self/stat; done`;
    const child = new Child('a shell', shell(`(${busy}); (${busy}; sleep 60) & echo done; wait`));
    await child.said('done');
    await until('CPU time of both', () => cpuSecondsOf(child.pid) >= 0.2);
    expect(residentBytesOf(child.pid)).toBeGreaterThan(100_000);
    await child.stop();
    expect(cpuSecondsOf(child.pid)).toBe(0);
  });

  it('is told of a process with its threads', async () => {
    const busy = `const used = () => process.cpuUsage().user + process.cpuUsage().system;
      const until = used() + 200_000;
      while (used() < until);`;
    const code = `const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(busy)}, { eval: true }).on('exit', () => {
        console.log('done');
        setTimeout(() => undefined, 60_000);
      });`;
    const child = new Child('a thread', { file: process.execPath, args: ['-e', code] });
    await child.said('done');
    const mainThread = Number(
      readFileSync(`/proc/${child.pid}/task/${child.pid}/schedstat`, 'utf8').split(' ')[0],
    );
    expect(cpuSecondsOf(child.pid) - mainThread / 1e9).toBeGreaterThan(0.05);
    await child.stop();
  });
});

/** What the netns targets believe of a process's folder in /proc. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ForeignProcessError, ProcessFolder } from '../../src/target/netns-process-folder.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';

describeWhere(process.platform === 'linux', 'no /proc', "a process's folder", () => {
  const scope = useScope();

  function sleeper(): ChildProcess & { readonly pid: number } {
    const child = spawn('sleep', ['600']);
    if (child.pid === undefined) throw new Error('no sleep');
    scope.onEnd(() => child.kill('SIGKILL'));
    return Object.assign(child, { pid: child.pid });
  }
  async function end(child: ChildProcess) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  function folderOf(pid: number) {
    const folder = new ProcessFolder(pid);
    scope.onEnd(() => folder.close());
    return folder;
  }
  const own = () => readlinkSync('/proc/self/ns/net');

  test('leads to its namespace until it ends, and to nothing from then on', async () => {
    const child = sleeper();
    const { namespacePath } = folderOf(child.pid);
    expect(readlinkSync(namespacePath)).toBe(own());
    await end(child);
    expect(() => readlinkSync(namespacePath)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  });

  test('becomes another process’s under the same path, and leaves no descriptor behind', async () => {
    const [first, second] = [sleeper(), sleeper()];
    const folder = folderOf(first.pid);
    const { namespacePath } = folder;
    await end(first);
    const before = readdirSync('/proc/self/fd').length;
    folder.moveTo(second.pid, '');
    expect(folder.namespacePath).toBe(namespacePath);
    expect(readlinkSync(namespacePath)).toBe(own());
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  test('stays what it was where there is no such process, or where it is not the container’s', () => {
    const child = sleeper();
    const folder = folderOf(child.pid);
    const before = readdirSync('/proc/self/fd').length;
    expect(() => folder.moveTo(4_194_304, '')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(() => folder.moveTo(process.pid, 'f'.repeat(64))).toThrow(ForeignProcessError);
    expect(readlinkSync(folder.namespacePath)).toBe(own());
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  test('is refused for a process of another container than the one that is meant', () => {
    expect(() => new ProcessFolder(process.pid, 'f'.repeat(64))).toThrow(ForeignProcessError);
  });
});

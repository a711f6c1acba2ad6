/** The executable's turns on a processor: how its threads are scheduled, and what it leaves as it was started. */
import { expect, test } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { SCHED_OTHER } from '../../src/sys/sched.js';
import { describeWhere } from '../support/machine.js';
import { hasSlices, OwnSlice, type Scheduling, schedulingOf } from '../support/scheduling.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';
import { until } from '../support/until.js';

const SCHED_BATCH = 3;

describeWhere(hasSlices, 'Linux before 6.12 has no slices to ask for', 'the slices of its threads', () => {
  const scope = useScope();

  /** Its threads, once so many of them have short slices. */
  async function threads(args: readonly string[], short: number, within: readonly string[] = []) {
    // It inherits ours, and an engine that was tested before in this process may have asked for a short one.
    new OwnSlice().askFor(0);
    const sluice = await runSluice(scope, [...args, '-p', '127.0.0.1::80', '127.0.0.1'], 1, { within });
    const isShort = ({ sliceNs }: Scheduling) => sliceNs === limits.sliceNs;
    const count = () => schedulingOf(sluice.pid).filter(isShort).length;
    await until(`${short} threads with short slices`, () => count() === short);
    return schedulingOf(sluice.pid);
  }

  test.each([
    ['the one that forwards', ['--engine', 'splice', '--shards', '0'], 1],
    ['each of two that forward', ['--engine', 'splice', '--shards', '2'], 2],
    ['none of the stream engine’s', ['--engine', 'stream'], 0],
  ])('are short for %s', async (_, args, short) => {
    expect((await threads(args, short)).length).toBeGreaterThan(short);
  });

  test('are short with the nice value that it was started with', async () => {
    const all = await threads(['--engine', 'splice'], 1, ['nice', '-n', '5']);
    expect(new Set(all.map(({ nice }) => nice))).toEqual(new Set([5]));
    expect(new Set(all.map(({ policy }) => policy))).toEqual(new Set([SCHED_OTHER]));
  });

  test('are left alone where it was started with another policy', async () => {
    const all = await threads(['--engine', 'splice'], 0, ['chrt', '--batch', '0']);
    expect(new Set(all.map(({ policy }) => policy))).toEqual(new Set([SCHED_BATCH]));
  });
});

/** What a shard believes of its thread's turns on a processor, and of the clock that counts them. */
import { expect, test } from '@jest/globals';
import { Arena } from '../../src/engine/splice/arena.js';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { limits } from '../../src/limits.js';
import { CLOCK_THREAD_CPUTIME_ID, timespecMs } from '../../src/sys/time.js';
import { describeWhere } from '../support/machine.js';
import { hasSlices, OwnSlice } from '../support/scheduling.js';
import { useScope } from '../support/scope.js';

describeWhere(process.platform === 'linux', 'not Linux', 'the processor time of a thread', () => {
  const sys = openSyscalls();
  const arena = new Arena(4096);
  const at = arena.take(16);

  function cpuMs(): number {
    expect(sys.clock_gettime(CLOCK_THREAD_CPUTIME_ID, arena.address(at))).toBe(0);
    return timespecMs(arena.view, at);
  }

  test('grows while it computes, and never faster than time', () => {
    const [startedMs, cpuAtStart] = [performance.now(), cpuMs()];
    while (cpuMs() - cpuAtStart < 20);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(20 - 1);
  });

  test('stands still while it waits', () => {
    const before = cpuMs();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    expect(cpuMs() - before).toBeLessThan(50);
  });

  test('sched_yield gives way and comes back', () => {
    expect(sys.sched_yield()).toBe(0);
  });
});

describeWhere(hasSlices, 'Linux before 6.12 has no slices to ask for', 'the slice of a thread', () => {
  const scope = useScope();
  const slice = new OwnSlice();
  const sliceNs = () => slice.ns();
  const askFor = (ns: number) => slice.askFor(ns);

  test('is what it asks for, the usual one again where it asks for 0', () => {
    askFor(0);
    scope.onEnd(() => askFor(0));
    const usualNs = sliceNs();
    askFor(limits.sliceNs);
    expect(sliceNs()).toBe(limits.sliceNs);
    expect(usualNs).toBeGreaterThan(limits.sliceNs);
    askFor(0);
    expect(sliceNs()).toBe(usualNs);
  });

  test('is never less than ours', () => {
    scope.onEnd(() => askFor(0));
    askFor(limits.sliceNs / 2);
    expect(sliceNs()).toBe(limits.sliceNs);
  });
});

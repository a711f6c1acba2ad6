/** What a shard believes of its thread's own clock. */
import { expect, test } from '@jest/globals';
import { Arena } from '../../src/engine/splice/arena.js';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { CLOCK_THREAD_CPUTIME_ID, timespecMs } from '../../src/sys/time.js';
import { describeWhere } from '../support/machine.js';

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

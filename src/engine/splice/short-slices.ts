/**
 * A shard's turns on its processor, where it has to share that with others.
 *
 * Theory of operation. A shard does little at a time and often, and what it does next is made by its peers, who often run
 * on the same processor. So it asks for short slices (sched_setattr(2), since Linux 6.12): who asks for less at a time gets
 * it sooner, and waits less behind those that compute. And before it sleeps it gives way (sched_yield(2)): its peers make
 * its next work meanwhile, so that it finds more of it at once and need not be woken for it, which whoever sends to it pays
 * for. It does not while there is work already: among sessions and control groups, of which each peer may have its own, the
 * kernel divides a processor first, and there all it would get by that are smaller turns. But one that always finds work
 * would run until the kernel's next tick, milliseconds away, while another shard may wait for its processor: after a time of
 * that, others come first. Giving way costs who does it the rest of a slice: with the usual one that is milliseconds for
 * every flow, so a shard whose slices are not short just sleeps. So does one that has passed datagrams on: measured, it
 * loses by giving way.
 *
 * What this believes of the kernel is in test/platform/thread-turns.test.ts.
 */
import { limits } from '../../limits.js';
import { SCHED_OTHER, schedAttr } from '../../sys/sched.js';
import type { Arena } from './arena.js';
import type { Syscalls } from './syscalls.js';

/**
 * Asks for short slices for the calling thread, whose nice value stays what it is. One that runs by another policy is left
 * alone: whoever chose that knows better.
 *
 * @param scratch schedAttr.bytes of the arena
 * @returns whether its slices are short now: an older kernel knows of none, and a sandbox may forbid it
 */
export function takeShortSlices(sys: Syscalls, arena: Arena, scratch: number): boolean {
  const attributes = arena.address(scratch);
  if (sys.sched_getattr(attributes) < 0) return false;
  if (arena.view.getUint32(scratch + schedAttr.policy, true) !== SCHED_OTHER) return false;
  const slice = BigInt(limits.sliceNs);
  arena.view.setBigUint64(scratch + schedAttr.runtime, slice, true);
  if (sys.sched_setattr(attributes) < 0 || sys.sched_getattr(attributes) < 0) return false;
  return arena.view.getBigUint64(scratch + schedAttr.runtime, true) === slice;
}

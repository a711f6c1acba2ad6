/** <sched.h> and <linux/sched/types.h>: the namespaces of a thread, and its turns on a processor. */
import { openFfi } from './ffi.js';
import { layoutsOf } from './platform.js';

export const CLONE_NEWNET = 0x40000000;
/** The usual policy (sched(7)). */
export const SCHED_OTHER = 0;

/** struct sched_attr in its first version, which every kernel that has the calls takes. */
export const schedAttr = { bytes: 48, policy: 4, runtime: 24 } as const;

export function sched() {
  /** (namespace, kind): changes the calling thread alone (setns(2)). */
  return { setns: openFfi().call('setns', 'int', ['int', 'int']) };
}

/** What concerns the calling thread's turns on its processor. */
export function turnCalls() {
  const ffi = openFfi();
  const { schedSetattr, schedGetattr } = layoutsOf();
  // glibc has names for the two only since 2.41, and musl has none.
  const syscall = ffi.call('syscall', 'int64_t', ['int64_t', 'int64_t', 'int64_t', 'int64_t', 'int64_t']);
  return {
    /** Lets others run who wait for this thread's processor (sched_yield(2)). */
    sched_yield: ffi.call('sched_yield', 'int', []),
    /** (attributes): of the calling thread (sched_setattr(2)). */
    sched_setattr: (attributes: number) => syscall(schedSetattr, 0, attributes, 0, 0),
    /** (attributes): writes schedAttr.bytes of them (sched_getattr(2)). */
    sched_getattr: (attributes: number) => syscall(schedGetattr, 0, attributes, schedAttr.bytes, 0),
  };
}

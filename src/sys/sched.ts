/** <sched.h>: the namespaces of a thread, and its turn on a processor. */
import { openFfi } from './ffi.js';

export const CLONE_NEWNET = 0x40000000;

/** Lets others run who wait for this thread's processor (sched_yield(2)). */
export function yieldProcessor() {
  return openFfi().call('sched_yield', 'int', []);
}

export function sched() {
  /** (namespace, kind): changes the calling thread alone (setns(2)). */
  return { setns: openFfi().call('setns', 'int', ['int', 'int']) };
}

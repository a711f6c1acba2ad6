/** <sched.h>: the namespaces of a thread. */
import { openFfi } from './ffi.js';

export const CLONE_NEWNET = 0x40000000;

export function sched() {
  /** (namespace, kind): changes the calling thread alone (setns(2)). */
  return { setns: openFfi().call('setns', 'int', ['int', 'int']) };
}

import { closeSync, existsSync, openSync } from 'node:fs';
import type { Scope } from './scope.js';

/** A file that takes no byte, as on a full disk; undefined, and said so, where the machine has none. */
export function openFullDisk(scope: Scope): number | undefined {
  if (!existsSync('/dev/full')) {
    console.warn('A full disk is not tested: this machine has no /dev/full');
    return undefined;
  }
  const descriptor = openSync('/dev/full', 'w');
  scope.onEnd(() => closeSync(descriptor));
  return descriptor;
}

import { closeSync, existsSync, openSync } from 'node:fs';
import { cleanUp } from './cleanup.js';

/** A file that takes no byte, as on a full disk; undefined, and said so, where the machine has none. */
export function openFullDisk(): number | undefined {
  if (!existsSync('/dev/full')) {
    console.warn('A full disk is not tested: this machine has no /dev/full');
    return undefined;
  }
  const descriptor = openSync('/dev/full', 'w');
  cleanUp(() => closeSync(descriptor));
  return descriptor;
}

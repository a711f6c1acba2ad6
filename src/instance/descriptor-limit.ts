import { readFileSync } from 'node:fs';
import { limits } from '../limits.js';

/** What is assumed where the system does not tell: the soft limit most shells start with. */
const commonDescriptorLimit = 1024;

/**
 * Flows the process can have at once, by its limit of open files (Node raises the soft limit to the hard one when it
 * starts), less what its listeners and the runtime take (`reserved`).
 */
export function flowsWithinDescriptors(
  listeners: number,
  reserved: number = limits.descriptorsReserved,
): number {
  const left = openFilesLimit() - reserved - listeners;
  return Math.max(1, Math.floor(left / limits.descriptorsPerFlow));
}

function openFilesLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? commonDescriptorLimit : Number(line[1]);
  } catch {
    // No /proc: not Linux, or a container without it.
    return commonDescriptorLimit;
  }
}

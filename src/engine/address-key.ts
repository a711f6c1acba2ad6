/** Addresses as keys: for what is kept of each, and for finding the flows that lead to one. */
import type { TargetAddress } from './engine.js';

/** Equal addresses have equal keys, and others have others. */
export function addressKey(address: TargetAddress): string {
  return address.kind === 'unix' ? `unix ${address.path}` : `${address.ip.text} ${address.port}`;
}

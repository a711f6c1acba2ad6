/** Addresses as keys: for what is kept of each, and for finding the flows that lead to one. */
import type { TargetAddress } from './engine.js';

/** Equal addresses have equal keys, and others have others. */
export function addressKey(address: TargetAddress): string {
  if (address.kind === 'unix') return `unix ${address.path}`;
  return `${address.ip.text} ${address.port} ${address.namespace ?? ''}`;
}

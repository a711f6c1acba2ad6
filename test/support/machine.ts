/** What this machine has, for tests that say in words what they skip. */
import { networkInterfaces } from 'node:os';
import { describe, test } from '@jest/globals';

export const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** `describe` where the machine has what it takes, else one passed-over test that says what is missing. */
export function describeWhere(has: boolean, missing: string, name: string, body: () => void): void {
  if (has) describe(name, body);
  else test.skip(`${name} (skipped: ${missing})`, () => undefined);
}

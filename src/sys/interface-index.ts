/** The index of the interface that an IPv6 address names, as <net/if.h> if_nametoindex would give it. */
import { networkInterfaces } from 'node:os';

/** 2 for `fe80::1%eth0` where eth0 is the second interface; 0 where the address names none. */
export function interfaceIndex(text: string): number {
  const [, zone] = text.split('%');
  if (zone === undefined) return 0;
  if (/^\d+$/.test(zone)) return Number(zone);
  return networkInterfaces()[zone]?.find((address) => address.family === 'IPv6')?.scopeid ?? 0;
}

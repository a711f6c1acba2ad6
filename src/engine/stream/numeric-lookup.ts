/**
 * dgram looks up every address it sends to, even an IP address. This hands the address back at once, without the
 * turn of the event loop that dns.lookup takes.
 */
import type { LookupOneOptions } from 'node:dns';

export function numericLookup(
  address: string,
  _options: LookupOneOptions,
  done: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, address, address.includes(':') ? 6 : 4);
}

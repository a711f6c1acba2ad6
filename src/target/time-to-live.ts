/** How long the DNS says that a name's addresses hold: getaddrinfo, which gives the addresses, does not tell. */
import { Resolver } from 'node:dns/promises';
import { limits } from '../limits.js';

/**
 * @param servers whom to ask, `127.0.0.1:53`; otherwise those of the system's resolv.conf
 * @returns undefined where no server says: a name of the hosts file, or of a search domain
 */
export async function timeToLiveMs(name: string, servers?: readonly string[]): Promise<number | undefined> {
  const resolver = new Resolver({ timeout: limits.dnsTimeToLiveMs, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  const answers = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }),
    resolver.resolve6(name, { ttl: true }),
  ]);
  const seconds = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? answer.value.map(({ ttl }) => ttl) : [],
  );
  return seconds.length === 0 ? undefined : Math.min(...seconds) * 1_000;
}

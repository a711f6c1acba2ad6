/** What it means that datagrams could not be sent. */
import type { Counters } from '../../metrics/counters.js';
import { Errno } from '../../sys/errno.js';
import { isScarce } from './scarcity.js';

/**
 * What ICMP says of a datagram the kernel tells in place of sending a later one on the same connected socket (icmp(7),
 * test/platform/epoll.test.ts).
 */
const ofEarlier = new Set<number>([
  ...[Errno.ECONNREFUSED, Errno.EMSGSIZE, Errno.EHOSTUNREACH, Errno.ENETUNREACH],
  ...[Errno.ENOPROTOOPT, Errno.EPROTO, Errno.EACCES],
]);

/** True where an errno may be about an earlier datagram: this one may still go, if it is sent again. */
export function mayBeOfEarlier(errno: number): boolean {
  return ofEarlier.has(errno);
}

export function countNotSent(counters: Counters, datagrams: number, errno: number): void {
  const full = errno === Errno.EAGAIN || isScarce(errno);
  counters.add(full ? 'datagramsOverQueue' : 'datagramsRefused', datagrams);
}

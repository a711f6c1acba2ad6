/** What it means for the counters that datagrams could not be sent. */
import type { Counters } from '../../metrics/counters.js';
import { Errno } from '../../sys/errno.js';
import { isScarce } from './scarcity.js';

export function countNotSent(counters: Counters, datagrams: number, errno: number): void {
  const full = errno === Errno.EAGAIN || isScarce(errno);
  counters.add(full ? 'datagramsOverQueue' : 'datagramsRefused', datagrams);
}

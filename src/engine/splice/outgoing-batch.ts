/**
 * Replies on their way to clients, gathered from all associations that had some in this turn. A batch is of one listener
 * at a time; a reply that its socket cannot take is dropped and counted.
 */
import type { Counters } from '../../metrics/counters.js';
import { Errno } from '../../sys/errno.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../sys/socket.js';
import type { DatagramBatch } from './datagram-batch.js';
import { isScarce } from './scarcity.js';
import type { Syscalls } from './syscalls.js';

export class OutgoingBatch {
  readonly batch: DatagramBatch;
  readonly #sys: Syscalls;
  #listener = -1;
  #counters: Counters | undefined = undefined;
  #count = 0;

  constructor(batch: DatagramBatch, sys: Syscalls) {
    this.batch = batch;
    this.#sys = sys;
  }

  /** Datagrams gathered so far; the next goes behind them. */
  get count(): number {
    return this.#count;
  }

  /** How many more this listener can add; at least one. */
  roomFor(listener: number): number {
    if (listener !== this.#listener || this.#count === this.batch.size) this.flush();
    this.#listener = listener;
    return this.batch.size - this.#count;
  }

  added(count: number, counters: Counters): void {
    this.#count += count;
    this.#counters = counters;
  }

  flush(): void {
    const end = this.#count;
    this.#count = 0;
    let next = 0;
    while (next < end) {
      const header = this.batch.headerAddress(next);
      const sent = this.#sys.sendmmsg(this.#listener, header, end - next, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        next += sent;
      } else {
        const errno = this.#sys.errno();
        this.#counters?.add(
          errno === Errno.EAGAIN || isScarce(errno) ? 'datagramsOverQueue' : 'datagramsRefused',
        );
        next += 1;
      }
    }
  }
}

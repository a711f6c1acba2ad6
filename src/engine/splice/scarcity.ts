/**
 * What to do when the system is out of something: descriptors (EMFILE, ENFILE), memory for sockets (ENOBUFS, ENOMEM),
 * epoll's watches (ENOSPC) or local ports (EADDRNOTAVAIL). Whoever needs it waits here, in order, and tries again when a
 * flow has given something back or a moment has passed. Nothing that was accepted is dropped for it: a dial that waits is
 * bounded by its own connect timeout, an open flow that cannot go on by limits.scarcityFlowMs. Each want is told of, but not
 * again and again while it lasts. Every errno is met in test/engine/splice/shortage.test.ts.
 */
import { limits } from '../../limits.js';
import { Errno, errnoName } from '../../sys/errno.js';
import type { EventLoop, Worker } from './event-loop.js';
import { tellFault } from './fault.js';
import { CallTimer } from './timer-wheel.js';

/** ENOSPC is epoll's: a user may watch so many descriptors and no more (fs.epoll.max_user_watches). */
const scarce = new Set<number>([Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM, Errno.ENOSPC]);

/** True where an errno says that the machine has no more of something now, whoever asks. */
export function isScarce(errno: number): boolean {
  return scarce.has(errno);
}

export interface Waiter {
  /** Tries again; false where it is still not to be had, so that those behind keep waiting too. */
  retry(): boolean;
  onFault(error: unknown): void;
}

export class Scarcity implements Worker {
  queued = false;
  readonly #loop: EventLoop;
  readonly #tell: (message: string) => void;
  readonly #waiting = new Set<Waiter>();
  /** Those who wait for any flow to end, which no time brings nearer. */
  readonly #parked = new Set<Waiter>();
  readonly #timer = new CallTimer(
    () => this.work(),
    (error) => this.onFault(error),
  );
  /** What was told of lately; as many as there are kinds of want and errnos for each. */
  readonly #quietUntilMs = new Map<string, number>();

  constructor(loop: EventLoop, tell: (message: string) => void) {
    this.#loop = loop;
    this.#tell = tell;
  }

  wait(waiter: Waiter, errno: number, what: string): void {
    this.#waiting.add(waiter);
    if (this.#timer.tick < 0) this.#loop.wheel.set(this.#timer, this.#loop.nowMs + limits.scarcityRetryMs);
    this.tell(errno, what, 'it goes on when there is room again');
  }

  /** Says what is wanting and what comes of it, unless that was said just now. */
  tell(errno: number, what: string, outcome: string): void {
    const message = `${what}: ${errnoName(errno)}; ${outcome}`;
    if (this.#loop.nowMs < (this.#quietUntilMs.get(message) ?? 0)) return;
    this.#quietUntilMs.set(message, this.#loop.nowMs + limits.troubleQuietMs);
    this.#tell(message);
  }

  /** Waits, without a word, until a flow has ended. */
  park(waiter: Waiter): void {
    this.#parked.add(waiter);
  }

  forget(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    this.#parked.delete(waiter);
  }

  /** A flow has ended: what it held may be what somebody waits for. */
  something(): void {
    for (const waiter of this.#parked) this.#waiting.add(waiter);
    this.#parked.clear();
    if (this.#waiting.size > 0) this.#loop.enqueue(this);
  }

  work(): void {
    // Those there are now: who fails again waits behind the others, until the next time.
    for (const waiter of [...this.#waiting]) {
      if (!this.#waiting.has(waiter)) continue;
      this.#waiting.delete(waiter);
      if (!this.#retry(waiter)) break;
    }
    if (this.#waiting.size > 0) this.#loop.wheel.set(this.#timer, this.#loop.nowMs + limits.scarcityRetryMs);
  }

  onFault(error: unknown): void {
    throw error;
  }

  #retry(waiter: Waiter): boolean {
    try {
      return waiter.retry();
    } catch (error) {
      tellFault(waiter, error);
      return true;
    }
  }
}

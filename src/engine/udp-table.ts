/**
 * The UDP policy's table of associations: when each expires, and which goes first when there are too many. Bookkeeping
 * on times it is given; both engines own one a listener. Who is found by which client, and the one timer that the table
 * asks for, are the engine's.
 *
 * States of an association: `unanswered` until its target has sent a datagram, `answered` ever after. Each state has
 * its own timeout, as conntrack's UDP has, and traffic in either direction renews it.
 *
 * Each state keeps its associations in a doubly linked list, quietest first, threaded through the entries
 * themselves. Since all in one list share one timeout, the head is always the next to expire, so that renewing,
 * expiring and evicting are O(1) and a datagram allocates nothing.
 */

export interface UdpTimeouts {
  readonly unansweredMs: number;
  readonly answeredMs: number;
}

/** What an association extends to have a place in a table. Its fields are the table's. */
export abstract class UdpEntry<Self> {
  answered = false;
  lastActiveMs = 0;
  previous: Self | undefined = undefined;
  next: Self | undefined = undefined;
}

/** What an engine does for its table. */
export interface UdpTableHost<Entry> {
  /** Calls `expire` at this time, and not at one asked for before; Infinity: not at all. */
  wakeAt(atMs: number): void;
  /** An association is over; it is out of the table already. */
  ended(entry: Entry, reason: 'expired' | 'evicted'): void;
}

export class UdpTable<Entry extends UdpEntry<Entry>> {
  readonly #unanswered = new EntryList<Entry>();
  readonly #answered = new EntryList<Entry>();
  readonly #host: UdpTableHost<Entry>;
  #timeouts: UdpTimeouts;
  #size = 0;
  /** A renewal does not move it, so the timer may ring early and look again. */
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(timeouts: UdpTimeouts, host: UdpTableHost<Entry>) {
    this.#timeouts = timeouts;
    this.#host = host;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes effect at once, for the associations there are too. */
  setTimeouts(timeouts: UdpTimeouts): void {
    this.#timeouts = timeouts;
    this.#wake();
  }

  /** Adds an association as unanswered; it must not be in a table. */
  add(entry: Entry, nowMs: number): void {
    entry.answered = false;
    entry.lastActiveMs = nowMs;
    this.#unanswered.append(entry);
    this.#size += 1;
    if (this.nextExpiryMs() < this.#wakeAtMs) this.#wake();
  }

  /** Renews an association: a datagram came from its client, or (`answered`) from its target. */
  renew(entry: Entry, nowMs: number, answered: boolean): void {
    const first = answered && !entry.answered;
    this.#listOf(entry).remove(entry);
    entry.answered ||= answered;
    entry.lastActiveMs = nowMs;
    this.#listOf(entry).append(entry);
    // The other list's timeout may be the shorter one.
    if (first && this.nextExpiryMs() < this.#wakeAtMs) this.#wake();
  }

  delete(entry: Entry): void {
    this.#listOf(entry).remove(entry);
    this.#size -= 1;
  }

  /** Ends the association that has been idle longest, whatever its state; false where that is `spared`, or there is none. */
  evictQuietest(spared?: Entry): boolean {
    const quietest = this.#quietest();
    if (quietest === undefined || quietest === spared) return false;
    this.delete(quietest);
    this.#host.ended(quietest, 'evicted');
    return true;
  }

  /** Ends the associations whose time has come, the first due first. */
  expire(nowMs: number): void {
    try {
      for (let due = this.#firstDue(nowMs); due !== undefined; due = this.#firstDue(nowMs)) {
        this.delete(due);
        this.#host.ended(due, 'expired');
      }
    } finally {
      // A fault in one end must not leave the others without their timer.
      this.#wake();
    }
  }

  /** When the next association expires; Infinity where the table is empty. */
  nextExpiryMs(): number {
    return Math.min(
      dueMs(this.#unanswered.head, this.#timeouts.unansweredMs),
      dueMs(this.#answered.head, this.#timeouts.answeredMs),
    );
  }

  #quietest(): Entry | undefined {
    const [a, b] = [this.#unanswered.head, this.#answered.head];
    if (a === undefined || b === undefined) return a ?? b;
    return a.lastActiveMs <= b.lastActiveMs ? a : b;
  }

  #firstDue(nowMs: number): Entry | undefined {
    const unansweredAtMs = dueMs(this.#unanswered.head, this.#timeouts.unansweredMs);
    const answeredAtMs = dueMs(this.#answered.head, this.#timeouts.answeredMs);
    if (Math.min(unansweredAtMs, answeredAtMs) > nowMs) return undefined;
    return unansweredAtMs <= answeredAtMs ? this.#unanswered.head : this.#answered.head;
  }

  #wake(): void {
    this.#wakeAtMs = this.nextExpiryMs();
    this.#host.wakeAt(this.#wakeAtMs);
  }

  #listOf(entry: Entry): EntryList<Entry> {
    return entry.answered ? this.#answered : this.#unanswered;
  }
}

function dueMs(head: { readonly lastActiveMs: number } | undefined, timeoutMs: number): number {
  return head === undefined ? Number.POSITIVE_INFINITY : head.lastActiveMs + timeoutMs;
}

/** Quietest first: appended on every renewal. */
class EntryList<Entry extends UdpEntry<Entry>> {
  head: Entry | undefined = undefined;
  #tail: Entry | undefined = undefined;

  append(entry: Entry): void {
    entry.previous = this.#tail;
    entry.next = undefined;
    if (this.#tail === undefined) this.head = entry;
    else this.#tail.next = entry;
    this.#tail = entry;
  }

  remove(entry: Entry): void {
    if (entry.previous === undefined) this.head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#tail = entry.previous;
    else entry.next.previous = entry.previous;
  }
}

/**
 * The UDP policy's table of associations: who has one, when each expires, and which goes first when there are too
 * many. Pure bookkeeping on times it is given; both engines own one a listener.
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

/** An association's place in the table. Whoever makes one adds what it needs. */
export interface UdpEntry<Key> {
  readonly key: Key;
}

interface Link<Key, Entry extends UdpEntry<Key>> {
  readonly entry: Entry;
  list: List<Key, Entry>;
  lastActiveMs: number;
  previous: Link<Key, Entry> | undefined;
  next: Link<Key, Entry> | undefined;
}

export class UdpTable<Key, Entry extends UdpEntry<Key>> {
  readonly #links = new Map<Key, Link<Key, Entry>>();
  readonly #unanswered = new List<Key, Entry>();
  readonly #answered = new List<Key, Entry>();
  #timeouts: UdpTimeouts;

  constructor(timeouts: UdpTimeouts) {
    this.#timeouts = timeouts;
  }

  get size(): number {
    return this.#links.size;
  }

  /** Takes effect at once, for the associations there are too. */
  setTimeouts(timeouts: UdpTimeouts): void {
    this.#timeouts = timeouts;
  }

  get(key: Key): Entry | undefined {
    return this.#links.get(key)?.entry;
  }

  /** Adds an association as unanswered; its key must not be in the table. */
  add(entry: Entry, nowMs: number): void {
    const link = { entry, list: this.#unanswered, lastActiveMs: nowMs, previous: undefined, next: undefined };
    this.#links.set(entry.key, link);
    this.#unanswered.append(link);
  }

  /** Renews an association: a datagram came from its client, or (`answered`) from its target. */
  renew(key: Key, nowMs: number, answered: boolean): void {
    const link = this.#links.get(key);
    if (link === undefined) return;
    link.list.remove(link);
    if (answered) link.list = this.#answered;
    link.lastActiveMs = nowMs;
    link.list.append(link);
  }

  delete(key: Key): void {
    const link = this.#links.get(key);
    if (link === undefined) return;
    link.list.remove(link);
    this.#links.delete(key);
  }

  /** The association that has been idle longest, whatever its state: the one to evict. */
  quietest(): Entry | undefined {
    const [a, b] = [this.#unanswered.head, this.#answered.head];
    if (a === undefined || b === undefined) return (a ?? b)?.entry;
    return (a.lastActiveMs <= b.lastActiveMs ? a : b).entry;
  }

  /** Takes one association out whose time has come, or returns undefined where there is none. */
  takeExpired(nowMs: number): Entry | undefined {
    const unansweredAtMs = dueMs(this.#unanswered.head, this.#timeouts.unansweredMs);
    const answeredAtMs = dueMs(this.#answered.head, this.#timeouts.answeredMs);
    if (Math.min(unansweredAtMs, answeredAtMs) > nowMs) return undefined;
    const due = unansweredAtMs <= answeredAtMs ? this.#unanswered.head : this.#answered.head;
    if (due !== undefined) this.delete(due.entry.key);
    return due?.entry;
  }

  /** When the next association expires; Infinity where the table is empty. */
  nextExpiryMs(): number {
    return Math.min(
      dueMs(this.#unanswered.head, this.#timeouts.unansweredMs),
      dueMs(this.#answered.head, this.#timeouts.answeredMs),
    );
  }

  *entries(): Generator<Entry> {
    for (const link of this.#links.values()) yield link.entry;
  }
}

function dueMs(head: { readonly lastActiveMs: number } | undefined, timeoutMs: number): number {
  return head === undefined ? Number.POSITIVE_INFINITY : head.lastActiveMs + timeoutMs;
}

/** Quietest first: appended on every renewal. */
class List<Key, Entry extends UdpEntry<Key>> {
  head: Link<Key, Entry> | undefined;
  #tail: Link<Key, Entry> | undefined;

  append(link: Link<Key, Entry>): void {
    link.previous = this.#tail;
    link.next = undefined;
    if (this.#tail === undefined) this.head = link;
    else this.#tail.next = link;
    this.#tail = link;
  }

  remove(link: Link<Key, Entry>): void {
    if (link.previous === undefined) this.head = link.next;
    else link.previous.next = link.next;
    if (link.next === undefined) this.#tail = link.previous;
    else link.next.previous = link.previous;
  }
}

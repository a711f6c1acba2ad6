/**
 * The shard's timers: a wheel of slots, one a tick, each a list of the timers that ring in that tick of some round.
 * Setting and calling off are O(1) and allocate nothing: timers are threaded through the slots themselves.
 */

const tickMs = 16;
const slotCount = 1024;

/** A timer; whoever extends it may set it again and again. Its fields are the wheel's. */
export abstract class Timer {
  /** The tick it rings in; -1 while it is not set. */
  tick = -1;
  previous: Timer | undefined = undefined;
  next: Timer | undefined = undefined;

  /** Its time has come; it is not set any more. */
  abstract ring(): void;
}

/** A timer for those that are something else already. */
export class CallTimer extends Timer {
  readonly #call: () => void;

  constructor(call: () => void) {
    super();
    this.#call = call;
  }

  ring(): void {
    this.#call();
  }
}

export class TimerWheel {
  readonly #slots: (Timer | undefined)[] = new Array<Timer | undefined>(slotCount).fill(undefined);
  /** All ticks up to this one have rung. */
  #tick: number;
  #set = 0;
  /** No timer is set for an earlier tick. */
  #earliest = Number.POSITIVE_INFINITY;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** Sets a timer, anew where it is set already. It rings at the tick that follows `atMs`, never before. */
  set(timer: Timer, atMs: number): void {
    this.cancel(timer);
    timer.tick = Math.max(Math.ceil(atMs / tickMs), this.#tick + 1);
    const slot = timer.tick % slotCount;
    const head = this.#slots[slot];
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#slots[slot] = timer;
    this.#set += 1;
    if (timer.tick < this.#earliest) this.#earliest = timer.tick;
  }

  cancel(timer: Timer): void {
    if (timer.tick < 0) return;
    if (timer.previous === undefined) this.#slots[timer.tick % slotCount] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.previous = undefined;
    timer.next = undefined;
    timer.tick = -1;
    this.#set -= 1;
    if (this.#set === 0) this.#earliest = Number.POSITIVE_INFINITY;
  }

  /** How long the loop may sleep: -1 for ever, where nothing is set. */
  sleepMs(nowMs: number): number {
    if (this.#earliest === Number.POSITIVE_INFINITY) return -1;
    return Math.max(0, Math.ceil(this.#earliest * tickMs - nowMs));
  }

  /** Rings every timer whose time has come. A ring may set and call off timers, its own too. */
  advance(nowMs: number): void {
    const now = Math.floor(nowMs / tickMs);
    if (now < this.#earliest) {
      this.#tick = Math.max(this.#tick, now);
      return;
    }
    // After a long sleep every slot is looked at once, not once for each round that went by.
    const first = Math.max(this.#earliest, now - slotCount + 1);
    this.#tick = now;
    for (let tick = first; tick <= now; tick += 1) this.#ringSlot(tick % slotCount, now);
    this.#findEarliest(now);
  }

  #ringSlot(slot: number, now: number): void {
    let timer = this.#slots[slot];
    while (timer !== undefined) {
      if (timer.tick > now) {
        timer = timer.next;
        continue;
      }
      this.cancel(timer);
      timer.ring();
      // The ring may have changed this list anywhere.
      timer = this.#slots[slot];
    }
  }

  /** Looks ahead one round; a timer further off only makes the loop wake once a round to look again. */
  #findEarliest(now: number): void {
    this.#earliest = Number.POSITIVE_INFINITY;
    if (this.#set === 0) return;
    for (let tick = now + 1; tick <= now + slotCount; tick += 1) {
      if (this.#slots[tick % slotCount] === undefined) continue;
      this.#earliest = tick;
      return;
    }
  }
}

/**
 * The shard's timers: a wheel of slots, one a tick, each a list of the timers that ring in that tick. Those further off than
 * one round wait in a list of their own, which is sorted into the slots once a round, so that a timer an hour away wakes
 * the loop once a round and no more. Setting and calling off are O(1) and allocate nothing: timers are threaded through
 * the lists themselves.
 *
 * A ring that throws is its own timer's affair: its owner is told (`onFault`), and the others ring all the same.
 */
import { tellFault } from './fault.js';

const tickMs = 16;
const slotCount = 1024;
/** The list of those beyond this round, behind the slots. */
const farSlot = slotCount;

/** A timer; whoever extends it may set it again and again. Its fields are the wheel's. */
export abstract class Timer {
  /** The tick it rings in; -1 while it is not set. */
  tick = -1;
  /** The list it is in. */
  slot = 0;
  previous: Timer | undefined = undefined;
  next: Timer | undefined = undefined;

  /** Its time has come; it is not set any more. */
  abstract ring(): void;
  /** Its ring threw: it ends what it is the timer of. */
  abstract onFault(error: unknown): void;
}

/** A timer for those that are something else already. */
export class CallTimer extends Timer {
  readonly #call: () => void;
  readonly #fault: (error: unknown) => void;

  constructor(call: () => void, fault: (error: unknown) => void) {
    super();
    this.#call = call;
    this.#fault = fault;
  }

  ring(): void {
    this.#call();
  }

  onFault(error: unknown): void {
    this.#fault(error);
  }
}

export class TimerWheel {
  readonly #slots: (Timer | undefined)[] = new Array<Timer | undefined>(slotCount + 1).fill(undefined);
  /** All ticks up to this one have rung. */
  #tick: number;
  /** When the far timers are looked at next. */
  #nextSorting: number;
  #set = 0;
  /** Nothing is to be done before this tick. */
  #earliest = Number.POSITIVE_INFINITY;

  constructor(nowMs: number) {
    this.#tick = Math.floor(nowMs / tickMs);
    this.#nextSorting = this.#tick + slotCount;
  }

  /** Sets a timer, anew where it is set already. It rings at the tick that follows `atMs`, never before. */
  set(timer: Timer, atMs: number): void {
    this.cancel(timer);
    timer.tick = Math.max(Math.ceil(atMs / tickMs), this.#tick + 1);
    this.#set += 1;
    this.#insert(timer);
  }

  cancel(timer: Timer): void {
    if (timer.tick < 0) return;
    this.#unlink(timer);
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
      if (this.#set === 0) this.#nextSorting = this.#tick + slotCount;
      return;
    }
    // Every timer in a slot is of the round that began at #tick, so a sleep of any length is one walk round the wheel.
    const first = this.#tick + 1;
    const last = Math.min(now, this.#tick + slotCount);
    this.#tick = now;
    for (let tick = first; tick <= last; tick += 1) this.#ringSlot(tick % slotCount, now);
    if (now >= this.#nextSorting) this.#sortFar(now);
    this.#findEarliest(now);
  }

  #insert(timer: Timer): void {
    const far = timer.tick >= this.#tick + slotCount;
    timer.slot = far ? farSlot : timer.tick % slotCount;
    const head = this.#slots[timer.slot];
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#slots[timer.slot] = timer;
    this.#earliest = Math.min(this.#earliest, far ? this.#nextSorting : timer.tick);
  }

  #unlink(timer: Timer): void {
    if (timer.previous === undefined) this.#slots[timer.slot] = timer.next;
    else timer.previous.next = timer.next;
    if (timer.next !== undefined) timer.next.previous = timer.previous;
    timer.previous = undefined;
    timer.next = undefined;
  }

  #ringSlot(slot: number, now: number): void {
    let timer = this.#slots[slot];
    while (timer !== undefined) {
      if (timer.tick > now) {
        // Set by a ring of this very walk.
        timer = timer.next;
        continue;
      }
      this.cancel(timer);
      try {
        timer.ring();
      } catch (error) {
        tellFault(timer, error);
      }
      // The ring may have changed this list anywhere.
      timer = this.#slots[slot];
    }
  }

  /** Moves those that are of the round that begins now into its slots; a long sleep may have passed over some. */
  #sortFar(now: number): void {
    this.#nextSorting = now + slotCount;
    let timer = this.#slots[farSlot];
    this.#slots[farSlot] = undefined;
    while (timer !== undefined) {
      const next: Timer | undefined = timer.next;
      timer.previous = undefined;
      timer.tick = Math.max(timer.tick, now);
      this.#insert(timer);
      timer = next;
    }
    this.#ringSlot(now % slotCount, now);
  }

  #findEarliest(now: number): void {
    this.#earliest = Number.POSITIVE_INFINITY;
    if (this.#set === 0) return;
    if (this.#slots[farSlot] !== undefined) this.#earliest = this.#nextSorting;
    for (let tick = now + 1; tick < now + slotCount; tick += 1) {
      if (this.#slots[tick % slotCount] === undefined) continue;
      this.#earliest = Math.min(this.#earliest, tick);
      return;
    }
  }
}

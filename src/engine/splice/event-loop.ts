/**
 * The shard's loop over epoll, which a thread of its own runs for good, or Node's main loop a turn at a time.
 *
 * Theory of operation. Everything a shard waits for is a descriptor with a handler. A turn is: sleep in epoll_wait,
 * where there are no events yet, for ever where no timer is set; give each event to its handler; give those that had more to
 * do than one turn allows their next share (the ready list); ring the timers that are due; run what a turn ends with. While
 * anything is on the ready list the loop does not sleep, it only looks for new events. Events and the ready list have a
 * bounded part of a turn each, counted in bytes moved: what comes past it goes to the end of the ready list, or stays there
 * for the next turn.
 *
 * A descriptor's number comes back as soon as it is closed. Each registration therefore has a generation, carried in
 * the event, and an event of an earlier generation is dropped.
 *
 * A handler that throws must not take the loop with it: its owner is told (`onFault`) and the loop goes on. A thread that
 * is stranded in another namespace is no one flow's fault: there the loop ends, and the shard with it.
 */
import { limits } from '../../limits.js';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL } from '../../sys/epoll.js';
import { Errno, SystemCallError } from '../../sys/errno.js';
import { layoutsOf } from '../../sys/platform.js';
import type { Arena } from './arena.js';
import { tellFault } from './fault.js';
import type { SharedClock } from './shared-clock.js';
import type { Syscalls } from './syscalls.js';
import { TimerWheel } from './timer-wheel.js';

export interface Handler {
  onEvents(descriptor: number, events: number): void;
  /** Its own code threw: it ends itself, closing what it owns. */
  onFault(error: unknown): void;
}

/** What takes more than one turn. */
export interface Worker {
  /** True while it is on the ready list: kept by the loop. */
  queued: boolean;
  work(): void;
  onFault(error: unknown): void;
}

export class EventLoop {
  readonly wheel: TimerWheel;
  /** Whether others who wait for this thread's processor run before it sleeps (short-slices.ts). */
  givesWay = false;
  /** Set by who would lose by that in this turn. */
  sleepsAtOnce = false;
  /** Set by who wants others to run before the next sleep even where there are events by then. */
  othersFirst = false;
  /** The time at the start of this turn. */
  nowMs: number;
  /** When it last slept or gave way. */
  #aloneSinceMs: number;
  /** Runs at the end of each turn, before the loop sleeps; gives the longest sleep it allows, -1 for any. */
  beforeSleep: () => number = () => -1;
  readonly #sys: Syscalls;
  readonly #arena: Arena;
  readonly #clock: SharedClock;
  readonly #epoll: number;
  readonly #layout = layoutsOf();
  readonly #events: number;
  readonly #eventsAddress: number;
  readonly #event: number;
  readonly #handlers: (Handler | undefined)[] = [];
  readonly #generations: number[] = [];
  #ready: Worker[] = [];
  /** Bytes moved in this part of the turn. */
  #moved = 0;
  #stopped = false;

  constructor(sys: Syscalls, arena: Arena, clock: SharedClock) {
    this.#sys = sys;
    this.#arena = arena;
    this.#clock = clock;
    this.#events = arena.take(limits.eventsPerTurn * this.#layout.epollEventBytes);
    this.#eventsAddress = arena.address(this.#events);
    this.#event = arena.take(this.#layout.epollEventBytes);
    this.nowMs = clock.now();
    this.#aloneSinceMs = this.nowMs;
    this.wheel = new TimerWheel(this.nowMs);
    this.#epoll = sys.epoll.create();
    if (this.#epoll < 0) throw new SystemCallError('epoll_create1', sys.errno());
  }

  /** Registers a descriptor; gives 0, or the errno where the kernel would not have it. */
  add(descriptor: number, handler: Handler, mask: number): number {
    const generation = ((this.#generations[descriptor] ?? 0) + 1) | 0;
    while (this.#handlers.length <= descriptor) {
      this.#handlers.push(undefined);
      this.#generations.push(0);
    }
    this.#generations[descriptor] = generation;
    const word = this.#event >> 2;
    const data = word + (this.#layout.epollDataOffset >> 2);
    this.#arena.words[word] = mask;
    this.#arena.words[data] = descriptor;
    this.#arena.words[data + 1] = generation;
    const result = this.#sys.epoll.ctl(
      this.#epoll,
      EPOLL_CTL_ADD,
      descriptor,
      this.#arena.address(this.#event),
    );
    if (result < 0) return this.#sys.errno();
    this.#handlers[descriptor] = handler;
    return 0;
  }

  /** Takes a descriptor out that stays open. */
  remove(descriptor: number): void {
    this.#sys.epoll.ctl(this.#epoll, EPOLL_CTL_DEL, descriptor, 0);
    this.#handlers[descriptor] = undefined;
  }

  /** Closes a descriptor; epoll forgets it by itself (test/platform/epoll.test.ts). */
  close(descriptor: number): void {
    this.#handlers[descriptor] = undefined;
    this.#sys.close(descriptor);
  }

  /** Puts a worker on the ready list: it has more to do, and it is others' turn. */
  enqueue(worker: Worker): void {
    if (worker.queued) return;
    worker.queued = true;
    this.#ready.push(worker);
  }

  /** Counts what was moved in one go. */
  spend(bytes: number): void {
    this.#moved += bytes;
  }

  /** True where this part of the turn is used up. */
  get isSpent(): boolean {
    return this.#moved >= limits.bytesPerPart;
  }

  /** True where this part of the turn is used up: the worker is on the ready list, and does nothing now. */
  defer(worker: Worker): boolean {
    if (this.isSpent) this.enqueue(worker);
    return this.isSpent;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Its epoll's. */
  get descriptor(): number {
    return this.#epoll;
  }

  /** After the last turn. */
  free(): void {
    this.#sys.close(this.#epoll);
  }

  /** Runs until `stop`, or until something throws that no handler takes. */
  run(): void {
    while (!this.#stopped) this.turn(this.sleepMs());
  }

  /** One turn, which waits for its first event for at most so long; -1 for ever. */
  turn(sleepMs: number): void {
    const count = sleepMs === 0 ? this.#wait(0) : this.#sleep(sleepMs);
    if (count < 0 && this.#sys.errno() !== Errno.EINTR) {
      throw new SystemCallError('epoll_wait', this.#sys.errno());
    }
    this.#moved = 0;
    for (let index = 0; index < count; index += 1) this.#dispatch(index);
    this.#moved = 0;
    this.#workReady();
    this.wheel.advance(this.nowMs);
  }

  /** Ends a turn, and gives how long the next one may wait: 0 while the ready list has work, -1 for ever. */
  sleepMs(): number {
    const allowed = this.beforeSleep();
    if (this.#ready.length > 0) return 0;
    const nowMs = this.#clock.now();
    if ((nowMs - this.#aloneSinceMs) * 1_000 >= limits.othersFirstAfterUs) this.othersFirst = true;
    return shorterSleep(allowed, this.wheel.sleepMs(nowMs));
  }

  /** Gives way before, where that pays (short-slices.ts): while there are events only if others come first. */
  #sleep(sleepMs: number): number {
    const givesWay = this.givesWay && !this.sleepsAtOnce;
    const { othersFirst } = this;
    this.sleepsAtOnce = false;
    this.othersFirst = false;
    if (givesWay) {
      const next = othersFirst ? 0 : this.#wait(0);
      if (next !== 0) return next;
      this.#sys.sched_yield();
    }
    const count = this.#wait(sleepMs);
    this.#aloneSinceMs = this.nowMs;
    return count;
  }

  #wait(sleepMs: number): number {
    const count = this.#sys.epoll.wait(this.#epoll, this.#eventsAddress, limits.eventsPerTurn, sleepMs);
    this.nowMs = this.#clock.now();
    return count;
  }

  #dispatch(index: number): void {
    const word = (this.#events + index * this.#layout.epollEventBytes) >> 2;
    const data = word + (this.#layout.epollDataOffset >> 2);
    const descriptor = this.#arena.words[data] ?? 0;
    const handler = this.#handlers[descriptor];
    if (handler === undefined || this.#generations[descriptor] !== this.#arena.words[data + 1]) return;
    try {
      handler.onEvents(descriptor, this.#arena.words[word] ?? 0);
    } catch (error) {
      tellFault(handler, error);
    }
  }

  /** Those that queue again while they work wait for the next turn, behind those that were not reached in this one. */
  #workReady(): void {
    if (this.#ready.length === 0) return;
    const ready = this.#ready;
    this.#ready = [];
    let reached = 0;
    for (const worker of ready) {
      if (this.isSpent) break;
      reached += 1;
      worker.queued = false;
      try {
        worker.work();
      } catch (error) {
        tellFault(worker, error);
      }
    }
    if (reached < ready.length) this.#ready = ready.slice(reached).concat(this.#ready);
  }
}

/** The shorter of two sleeps in milliseconds, of which -1 is the longest: for ever. */
export function shorterSleep(oneMs: number, otherMs: number): number {
  if (oneMs < 0) return otherMs;
  return otherMs < 0 ? oneMs : Math.min(oneMs, otherMs);
}

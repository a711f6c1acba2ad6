import { beforeEach, describe, expect, test } from '@jest/globals';
import { Arena } from '../../../src/engine/splice/arena.js';
import { EventLoop, type Handler, type Worker } from '../../../src/engine/splice/event-loop.js';
import { SharedClock } from '../../../src/engine/splice/shared-clock.js';
import { openSyscalls } from '../../../src/engine/splice/syscalls.js';
import { CallTimer } from '../../../src/engine/splice/timer-wheel.js';
import { limits } from '../../../src/limits.js';
import { EPOLLHUP, EPOLLIN, EPOLLOUT } from '../../../src/sys/epoll.js';
import { Errno } from '../../../src/sys/errno.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';

function rethrow(error: unknown): void {
  throw error;
}

const handler = (onEvents: Handler['onEvents'], onFault = rethrow): Handler => ({ onEvents, onFault });

describeWhere(process.platform === 'linux', 'not Linux', 'the loop', () => {
  const scope = useScope();
  let raw: RawSockets;
  let loop: EventLoop;
  beforeEach(() => {
    raw = new RawSockets(scope);
    loop = newLoop();
  });

  function newLoop(sys = openSyscalls(), clock = new SharedClock()): EventLoop {
    const made = new EventLoop(sys, new Arena(16_384), clock);
    scope.onEnd(() => made.free());
    return made;
  }

  /** Ends a run that nothing else ends: the test then fails by what it has not seen. */
  function stopIn(ms: number): void {
    const stop = new CallTimer(() => loop.stop(), rethrow);
    loop.wheel.set(stop, loop.nowMs + ms);
  }

  /** A loop of which is counted how often it gave way, with a clock that stands. */
  function givingLoop() {
    let given = 0;
    const clock = new SharedClock();
    clock.holdAt(1_000);
    const giving = newLoop({ ...openSyscalls(), sched_yield: () => ++given }, clock);
    return { giving, timesGiven: () => given, clock };
  }

  /** The end of a pipe that always has an event to tell: its other end is closed. */
  function brokenPipe(): number {
    const [readEnd, writeEnd] = raw.pipe();
    raw.close(writeEnd);
    return readEnd;
  }

  test('gives each event to the handler of its descriptor', () => {
    const [, writeEnd] = raw.pipe();
    const seen: number[][] = [];
    const take = handler((...event) => {
      seen.push(event);
      loop.stop();
    });
    const broken = brokenPipe();
    loop.add(broken, take, EPOLLIN);
    loop.add(writeEnd, take, EPOLLOUT);
    loop.run();
    expect(new Set(seen.map(String))).toEqual(new Set([`${broken},${EPOLLHUP}`, `${writeEnd},${EPOLLOUT}`]));
  });

  test.each([
    ['before each sleep, where there is nothing to do', true, false, [1, 1], 2],
    ['not while it has more to do', true, false, [0, 0], 0],
    ['not before the one sleep that is to be at once', true, true, [0, 1, 1], 1],
    ['not where it is not to', false, false, [1], 0],
  ])('gives way %s', (_, givesWay, sleepsAtOnce, sleepsMs, times) => {
    const { giving, timesGiven } = givingLoop();
    Object.assign(giving, { givesWay, sleepsAtOnce });
    for (const sleepMs of sleepsMs) giving.turn(sleepMs);
    expect(timesGiven()).toBe(times);
  });

  const alone = limits.othersFirstAfterUs / 1_000;
  test.each([
    ['not while there is work already', [0, 0, 0], {}, 0],
    ['not while there is, where it has run for less than it may', [alone * 0.4, alone * 0.4, 0], {}, 0],
    [
      'once where its turns have lasted for as long, although there is work',
      [alone * 0.6, alone * 0.6, 0],
      {},
      1,
    ],
    ['again after as long again', [alone * 1.2, 0, alone * 0.6, alone * 0.6, 0], {}, 2],
    ['once where others are to come first, although there is work', [0, 0, 0], { othersFirst: true }, 1],
    ['not before the one sleep that is to be at once', [0, 0], { othersFirst: true, sleepsAtOnce: true }, 0],
  ])('gives way %s', (_, msOfTurns, set, times) => {
    const { giving, timesGiven, clock } = givingLoop();
    Object.assign(giving, { givesWay: true, ...set });
    const lasts = [...msOfTurns];
    const work = handler(() => clock.holdAt(clock.now() + (lasts.shift() ?? 0)));
    const [, alwaysWritable] = raw.pipe();
    expect(giving.add(alwaysWritable, work, EPOLLOUT)).toBe(0);
    while (lasts.length > 0) giving.turn(giving.sleepMs());
    expect(timesGiven()).toBe(times);
  });

  test('counts from its last sleep how long it has run', () => {
    const { giving, timesGiven, clock } = givingLoop();
    giving.givesWay = true;
    const pipe = brokenPipe();
    const nothing = handler(() => undefined);
    clock.holdAt(clock.now() + 10 * alone);
    giving.turn(1);
    expect(timesGiven()).toBe(1);
    expect(giving.add(pipe, nothing, EPOLLIN)).toBe(0);
    for (let turn = 0; turn < 3; turn += 1) giving.turn(giving.sleepMs());
    expect(timesGiven()).toBe(1);
  });

  test('lets others come first at its next sleep, also where turns without one lie between', () => {
    const { giving, timesGiven } = givingLoop();
    const [, writable] = raw.pipe();
    const nothing = handler(() => undefined);
    expect(giving.add(writable, nothing, EPOLLOUT)).toBe(0);
    Object.assign(giving, { givesWay: true, othersFirst: true });
    giving.turn(0);
    expect(timesGiven()).toBe(0);
    giving.turn(10_000);
    giving.turn(10_000);
    expect(timesGiven()).toBe(1);
  });

  test('says with an errno what it could not watch', () => {
    const [readEnd] = raw.pipe();
    const nothing = handler(() => undefined);
    expect(loop.add(readEnd, nothing, EPOLLIN)).toBe(0);
    expect(loop.add(1_000_000, nothing, EPOLLIN)).toBe(Errno.EBADF);
    stopIn(0);
    loop.run();
  });

  test('drops an event that a number had before it was closed and came back', () => {
    const [first, second] = [brokenPipe(), brokenPipe()];
    const seen: string[] = [];
    // Both have an event in the same turn: who comes first closes the other, whose number is at once another's.
    const closeOther = handler((descriptor) => {
      seen.push('told');
      const other = descriptor === first ? second : first;
      loop.close(other);
      const heir = raw.pipe();
      expect(heir).toContain(other);
      loop.add(
        other,
        handler(() => seen.push('of one long gone')),
        0,
      );
      loop.stop();
    });
    loop.add(first, closeOther, EPOLLIN);
    loop.add(second, closeOther, EPOLLIN);
    loop.run();
    expect(seen).toEqual(['told']);
  });

  test('tells a handler of what it throws, and goes on with the others', () => {
    const seen: string[] = [];
    const faulty = handler(
      () => rethrow(new Error('faulty')),
      (error) => seen.push(String(error)),
    );
    loop.add(brokenPipe(), faulty, EPOLLIN);
    loop.add(
      brokenPipe(),
      handler(() => loop.stop()),
      EPOLLIN,
    );
    loop.run();
    expect(seen).toEqual(['Error: faulty']);
  });

  test('stops with what nobody takes', () => {
    loop.add(
      brokenPipe(),
      handler(() => rethrow(new Error('unheard'))),
      EPOLLIN,
    );
    expect(() => loop.run()).toThrow('unheard');
  });

  describe('with workers that have more to do', () => {
    function worker(name: string, turns: number, seen: string[]): Worker {
      let left = turns;
      const own: Worker = {
        queued: false,
        work: () => {
          seen.push(name);
          left -= 1;
          if (left > 0) loop.enqueue(own);
          else loop.stop();
        },
        onFault: rethrow,
      };
      return own;
    }

    test('gives each a share a turn, and looks for events in between', () => {
      const seen: string[] = [];
      const [long, short] = [worker('long', 3, seen), worker('short', 2, seen)];
      const [, writeEnd] = raw.pipe();
      const once = handler(() => {
        seen.push('event');
        loop.remove(writeEnd);
      });
      loop.add(writeEnd, once, EPOLLOUT);
      loop.enqueue(long);
      loop.enqueue(short);
      loop.enqueue(long);
      loop.run();
      expect(seen).toEqual(['event', 'long', 'short', 'long', 'short']);
    });

    test('ends a turn once they have moved enough, and goes on behind new events where it stopped', () => {
      const seen: string[] = [];
      const names = ['first', 'second', 'third'];
      for (const name of names) {
        const own = worker(name, 2, seen);
        const work = own.work;
        own.work = () => {
          work();
          loop.spend(limits.bytesPerPart / 2);
        };
        loop.enqueue(own);
      }
      for (let turn = 0; turn < 3; turn += 1) {
        loop.turn(0);
        seen.push('new events');
      }
      expect(seen).toEqual([
        ...['first', 'second', 'new events'],
        ...['third', 'first', 'new events'],
        ...['second', 'third', 'new events'],
      ]);
    });

    test('puts off what events would have moved past that, and gives the ready list a part of its own', () => {
      const seen: string[] = [];
      const deferred = worker('work', 1, seen);
      const eager = handler((descriptor) => {
        seen.push(loop.defer(deferred) ? 'put off' : 'moved');
        loop.spend(limits.bytesPerPart);
        loop.remove(descriptor);
      });
      for (let count = 0; count < 3; count += 1) loop.add(brokenPipe(), eager, EPOLLIN);
      loop.turn(0);
      expect(seen).toEqual(['moved', 'put off', 'put off', 'work']);
    });
  });

  test('sleeps until a timer is due, or as long as is allowed, whichever is less', () => {
    const allowed = [1_000_000, 20, -1];
    const slept: number[] = [];
    let lastMs = loop.nowMs;
    let turns = 0;
    loop.beforeSleep = () => {
      if (turns > 0) slept.push(loop.nowMs - lastMs);
      lastMs = loop.nowMs;
      turns += 1;
      return allowed[turns - 1] ?? -1;
    };
    const ring = new CallTimer(() => {
      if (slept.length >= 2) loop.stop();
      else loop.wheel.set(ring, loop.nowMs + 60);
    }, rethrow);
    loop.wheel.set(ring, loop.nowMs + 60);
    loop.run();
    const [byTimer, byLeave] = slept;
    expect(byTimer).toBeGreaterThanOrEqual(59);
    expect(byLeave).toBeGreaterThanOrEqual(19);
    expect(byLeave).toBeLessThan(byTimer ?? 0);
  });
});

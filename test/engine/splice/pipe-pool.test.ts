import { describe, expect, test } from '@jest/globals';
import { Arena } from '../../../src/engine/splice/arena.js';
import { PipePool, type PipeUser } from '../../../src/engine/splice/pipe-pool.js';
import { openSyscalls } from '../../../src/engine/splice/syscalls.js';
import { limits } from '../../../src/limits.js';
import { Errno } from '../../../src/sys/errno.js';
import { F_GETPIPE_SZ, F_SETPIPE_SZ } from '../../../src/sys/fcntl.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';

class User implements PipeUser {
  pipe: PipeUser['pipe'] = undefined;
  piped = 0;
}

describeWhere(process.platform === 'linux', 'not Linux', 'the pool of pipes', () => {
  const scope = useScope();
  const sys = openSyscalls();
  const owned = new Set<number>();

  function poolOf(most: number, mostSpare: number): PipePool {
    const pool = new PipePool(sys, new Arena(4096), owned, { pipeBytes: 65_536, most, mostSpare });
    scope.onEnd(() => pool.closeUnused());
    return pool;
  }

  function borrowers(pool: PipePool, count: number): User[] {
    const users = Array.from({ length: count }, () => new User());
    for (const user of users) {
      pool.lend(user);
      scope.onEnd(() => pool.giveBack(user));
    }
    return users;
  }

  const raw = new RawSockets(scope);
  const isOpen = (descriptor: number) => raw.isOpen(descriptor);

  test('lends pipes of the size asked for, and keeps some of those given back for the next', () => {
    const pool = poolOf(8, 1);
    const [first, second] = borrowers(pool, 2);
    const [kept, closed] = [first?.pipe, second?.pipe];
    if (first === undefined || second === undefined || kept === undefined || closed === undefined)
      throw new Error('no pipe was lent');
    expect(sys.fcntl(kept.writeEnd, F_GETPIPE_SZ, 0)).toBe(65_536);
    pool.giveBack(first);
    pool.giveBack(second);
    expect([first.pipe, second.pipe, pool.open]).toEqual([undefined, undefined, 1]);
    expect([kept.readEnd, kept.writeEnd, closed.readEnd, closed.writeEnd].map(isOpen)).toEqual([
      ...[true, true],
      ...[false, false],
    ]);
    pool.lend(second);
    expect(second.pipe).toBe(kept);
  });

  test('closes a pipe that comes back with something in it', () => {
    const pool = poolOf(8, 8);
    const [user] = borrowers(pool, 1);
    const pipe = user?.pipe;
    if (user === undefined || pipe === undefined) throw new Error('no pipe was lent');
    user.piped = 1;
    const ends = [pipe.readEnd, pipe.writeEnd];
    expect(ends.map((end) => owned.has(end))).toEqual([true, true]);
    pool.giveBack(user);
    expect([pool.open, ...ends.map(isOpen), ...ends.map((end) => owned.has(end))]).toEqual([
      0,
      ...[false, false],
      ...[false, false],
    ]);
  });

  test('at its bound takes the pipe that was lent first and holds nothing, or lends none', () => {
    const pool = poolOf(2, 2);
    const [first, second] = borrowers(pool, 2);
    if (first === undefined || second === undefined) throw new Error('two were made');
    first.piped = 10;
    const wanted = second.pipe;
    const third = new User();
    scope.onEnd(() => pool.giveBack(third));
    pool.lend(third);
    expect([second.pipe, third.pipe]).toEqual([undefined, wanted]);
    third.piped = 10;
    pool.lend(second);
    expect([second.pipe, pool.open]).toEqual([undefined, 2]);
  });

  test('closes all that nothing is in where descriptors are needed, lent ones too', () => {
    const pool = poolOf(8, 8);
    const users = borrowers(pool, 4);
    const [spare, quiet, busy] = users;
    if (spare === undefined || quiet === undefined || busy === undefined) throw new Error('four were made');
    pool.giveBack(spare);
    busy.piped = 1;
    expect(pool.closeUnused()).toBe(true);
    expect(users.map(({ pipe }) => pipe !== undefined)).toEqual([false, false, true, false]);
    expect(pool.open).toBe(1);
    expect(pool.closeUnused()).toBe(false);
    busy.piped = 0;
  });

  test('lends none where the system gives none', () => {
    const failing = { ...sys, pipe2: () => -1, errno: () => Errno.EMFILE };
    const pool = new PipePool(failing, new Arena(4096), owned, { pipeBytes: 65_536, most: 8, mostSpare: 8 });
    const user = new User();
    pool.lend(user);
    expect([user.pipe, pool.open]).toEqual([undefined, 0]);
  });

  describe('where the user’s pages in pipes are used up', () => {
    /** Pipes that have so many bytes and cannot be made larger, from the given one on; and how many were made. */
    function poolPast(bytes: number, from = 0) {
      const made = { pipes: 0, ends: [] as number[] };
      const arena = new Arena(4096);
      const pool = new PipePool(
        {
          ...sys,
          pipe2: (ends, flags) => {
            const result = sys.pipe2(ends, flags);
            made.pipes += 1;
            // It is the first that the pool takes of its memory.
            made.ends.push(...arena.words.subarray(0, 2));
            return result;
          },
          fcntl: (descriptor, command, value) => {
            if (made.pipes <= from) return sys.fcntl(descriptor, command, value);
            return command === F_SETPIPE_SZ ? -1 : bytes;
          },
        },
        arena,
        owned,
        { pipeBytes: 2 * limits.leastPipeBytes, most: 8, mostSpare: 8 },
      );
      scope.onEnd(() => pool.closeUnused());
      return { pool, made };
    }

    test('lends a pipe that stays of the usual size', () => {
      const { pool } = poolPast(limits.leastPipeBytes);
      const [user] = borrowers(pool, 1);
      expect(user?.pipe).toBeDefined();
    });

    test('closes a smaller one and lends none, and tries again now and then', () => {
      const { pool, made } = poolPast(8192);
      const [user] = borrowers(pool, 1);
      expect([user?.pipe, pool.open]).toEqual([undefined, 0]);
      expect(made.ends.map(isOpen)).toEqual([false, false]);
      borrowers(pool, limits.lendsBetweenPipes);
      expect(made.pipes).toBe(1);
      borrowers(pool, 1);
      expect(made.pipes).toBe(2);
    });

    test('takes one back that holds nothing rather than lend a smaller one', () => {
      const { pool } = poolPast(8192, 1);
      const [first] = borrowers(pool, 1);
      const wanted = first?.pipe;
      const [second] = borrowers(pool, 1);
      expect(wanted).toBeDefined();
      expect([first?.pipe, second?.pipe, pool.open]).toEqual([undefined, wanted, 1]);
    });
  });
});

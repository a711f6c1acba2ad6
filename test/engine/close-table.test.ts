import { describe, expect, it } from '@jest/globals';
import { type CloseEvent, type CloseRow, closeTable, dialEventOf } from '../../src/engine/close-table.js';

const rows = Object.entries(closeTable) as [CloseEvent, CloseRow][];

describe('the close table', () => {
  it.each([
    ['both-fins', 'close', 'close', 'done'],
    ['client-reset', 'close', 'reset', 'client-reset'],
    ['target-reset', 'reset', 'close', 'target-reset'],
    ['dial-refused', 'reset', 'close', 'target-refused'],
    ['dial-reset', 'reset', 'close', 'target-reset'],
    ['dial-unreachable', 'reset', 'close', 'target-unreachable'],
    ['dial-timeout', 'reset', 'close', 'connect-timeout'],
    ['target-gone', 'reset', 'reset', 'target-gone'],
    ['idle-timeout', 'reset', 'reset', 'idle-timeout'],
    ['flow-limit', 'reset', 'close', 'flow-limit'],
    ['wait-limit', 'reset', 'close', 'wait-limit'],
    ['drain-grace-over', 'reset', 'reset', 'drained'],
    ['internal-error', 'reset', 'reset', 'internal-error'],
  ] as const)('%s: client %s, target %s, as %s', (event, client, target, reason) => {
    expect(closeTable[event]).toMatchObject({ client, target, reason });
  });

  it('never leaves a client believing that a flow which was cut off is complete', () => {
    const closing = rows.filter(([, row]) => row.client === 'close').map(([event]) => event);
    expect(closing).toEqual(['both-fins', 'client-reset']);
  });

  it('only closes the side that failed: nobody is left there to be told', () => {
    const failed = rows.flatMap(([, row]) => (row.failed === undefined ? [] : [row[row.failed]]));
    expect(failed).toHaveLength(6);
    expect(new Set(failed)).toEqual(new Set(['close']));
  });

  it('has a reason of its own for every event, but for a reset that came during the dial', () => {
    const others = rows.filter(([event]) => event !== 'dial-reset');
    expect(new Set(others.map(([, { reason }]) => reason)).size).toBe(others.length);
  });
});

describe('dialEventOf', () => {
  it.each([
    ['ECONNREFUSED', 'dial-refused'],
    ['ECONNRESET', 'dial-reset'],
    ['ETIMEDOUT', 'dial-timeout'],
    ['EHOSTUNREACH', 'dial-unreachable'],
    ['ENETUNREACH', 'dial-unreachable'],
    ['ENOENT', 'dial-unreachable'],
    [undefined, 'dial-unreachable'],
  ])('of %s is %s', (errno, event) => {
    expect(dialEventOf(errno)).toBe(event);
  });
});

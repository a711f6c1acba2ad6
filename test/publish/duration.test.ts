import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { formatDuration, parseDuration, parsePositiveDuration } from '../../src/publish/duration.js';
import { thrownBy } from '../support/thrown.js';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['1h1m1s1ms', 3_661_001],
    ['0.5ms', 1],
    ['576h', limits.durationMs],
  ])('reads %s as %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([
    '',
    '5',
    '0',
    's',
    '-1s',
    '1 s',
    ' 1s',
    '1S',
    '1d',
    '1us',
    '1.s',
    '.5s',
    '1e3s',
    '1s\n',
    '577h',
    `${'9'.repeat(400)}h`,
  ])('refuses %j', (text) => {
    expect(thrownBy(() => parseDuration(text))).toMatchObject({
      code: 'SLUICE_BAD_DURATION',
      message: `invalid duration ${JSON.stringify(text)}: it must be a duration such as "500ms", "5s" or "1m30s", at most 24 days (576h)`,
    });
  });
});

describe('parsePositiveDuration', () => {
  it('reads what parseDuration reads', () => {
    expect(parsePositiveDuration('1ms')).toBe(1);
  });

  it.each(['0s', '0.4ms', '0h0m'])('refuses %s, which is no time at all', (text) => {
    expect(thrownBy(() => parsePositiveDuration(text))).toMatchObject({
      code: 'SLUICE_BAD_DURATION',
      message: `invalid duration "${text}": it must be 1ms or more`,
    });
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [1, '1ms'],
    [1_000, '1s'],
    [90_000, '1m30s'],
    [90_061_001, '25h1m1s1ms'],
  ])('prints %d ms as %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});

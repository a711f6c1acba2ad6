import { describe, expect, it } from '@jest/globals';
import { formatPortRange, parsePortRange, portCount } from '../../src/address/port.js';

describe('parsePortRange', () => {
  it.each([
    ['80', 80, 80],
    ['0', 0, 0],
    ['0123', 123, 123],
    ['65535', 65_535, 65_535],
    ['80-80', 80, 80],
    ['8000-8010', 8000, 8010],
  ])('reads %s', (text, first, last) => {
    expect(parsePortRange(text)).toEqual({ first, last });
  });

  it.each([
    '',
    '-',
    '-1',
    '1-',
    '1-2-3',
    '2-1',
    '65536',
    '1-65536',
    '9'.repeat(400),
    ' 80',
    '80\n',
    '1.5',
    '1e3',
    '８０',
  ])('refuses %j', (text) => {
    expect(parsePortRange(text)).toBeUndefined();
  });
});

describe('a port range', () => {
  it('is printed as one port where its ends are equal', () => {
    expect(formatPortRange({ first: 80, last: 80 })).toBe('80');
    expect(formatPortRange({ first: 80, last: 81 })).toBe('80-81');
  });

  it('counts both its ends', () => {
    expect(portCount({ first: 80, last: 80 })).toBe(1);
    expect(portCount({ first: 1, last: 65_535 })).toBe(65_535);
  });
});

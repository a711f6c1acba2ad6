import { describe, expect, it } from '@jest/globals';
import { choices, errnoOf, messageOf, printable, SluiceError } from '../src/errors.js';

describe('SluiceError', () => {
  it('has a code, and by itself no cause and no further faults', () => {
    const error = new SluiceError('SLUICE_USAGE', 'say what');
    expect(error).toMatchObject({
      name: 'SluiceError',
      code: 'SLUICE_USAGE',
      message: 'say what',
      faults: [],
    });
    expect('cause' in error).toBe(false);
  });

  it('carries what it was given', () => {
    const cause = { code: 'EADDRINUSE' };
    const facts = { cause, faults: ['one', 'two'] };
    expect(new SluiceError('SLUICE_BIND_FAILED', 'no', facts)).toMatchObject(facts);
  });
});

describe('errnoOf', () => {
  it('is the code of a system error', () => {
    expect(errnoOf(Object.assign(new Error('x'), { code: 'ECONNRESET' }))).toBe('ECONNRESET');
  });

  it.each([undefined, null, 'EPIPE', 3, {}, { code: 5 }])('is undefined for %j', (value) => {
    expect(errnoOf(value)).toBeUndefined();
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('broken'), 'broken'],
    [{ message: 7 }, '7'],
    ['a text', 'a text'],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('gives words for %p', (value, words) => {
    expect(messageOf(value)).toBe(words);
  });
});

describe('printable', () => {
  it('keeps a text on one line and away from the terminal', () => {
    expect(printable('a\nb\u001b[31mc\u007f\u009b')).toBe('a\\nb\\u001b[31mc\\u007f\\u009b');
  });

  it('leaves letters of every script as they are', () => {
    expect(printable('münchen 東京')).toBe('münchen 東京');
  });
});

describe('choices', () => {
  it('are told up to a bound, with how many more there are', () => {
    expect(choices([], 2)).toBe('nothing');
    expect(choices(['web', 'db'], 2)).toBe('web, db');
    expect(choices(['web', 'db', 'mail', 'ci'], 2)).toBe('web, db and 2 more');
  });
});

import { expect, test } from '@jest/globals';
import { choices } from '../src/choices.js';
import { limits } from '../src/limits.js';

test('choices are told up to their bound, with how many more there are', () => {
  const texts = Array.from({ length: limits.choicesTold + 2 }, (_, index) => `web${index}`);
  expect(choices([])).toBe('nothing');
  expect(choices(['web', 'db'])).toBe('web, db');
  expect(choices(texts.slice(0, limits.choicesTold))).toBe(texts.slice(0, -2).join(', '));
  expect(choices(texts)).toBe(`${texts.slice(0, -2).join(', ')} and 2 more`);
});

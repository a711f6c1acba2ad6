import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { isInstanceName, toInstanceName } from '../../src/publish/name.js';

describe('an instance’s name', () => {
  it.each([
    ['172.17.0.2', '172.17.0.2'],
    ['web_1', 'web_1'],
    ['fd00::2', 'fd00-2'],
    ['::1', '1'],
    ['unix:/run/app.sock', 'unix-run-app.sock'],
    ['netns:pid:4242', 'netns-pid-4242'],
    ['10.0.0.1@netns:/run/netns/blue', '10.0.0.1-netns-run-netns-blue'],
    ['../../etc/passwd', 'etc-passwd'],
    ['::', 'sluice'],
    ['a'.repeat(300), 'a'.repeat(limits.instanceNameLength)],
  ])('made of %j is %j', (text, name) => {
    expect(toInstanceName(text)).toBe(name);
    expect(isInstanceName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    '.hidden',
    '-x',
    'a/b',
    'a b',
    'a\0',
    'é',
    'x'.repeat(limits.instanceNameLength + 1),
  ])('is never %j', (text) => {
    expect(isInstanceName(text)).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';
import { formatListenNamespace, parseListenNamespace } from '../../src/publish/listen-namespace.js';
import { thrownBy } from '../support/thrown.js';

describe('the namespace to listen in', () => {
  it.each([
    ['web', { kind: 'container', container: 'web' }],
    ['netns:docker:web', { kind: 'container', container: 'web' }],
    ['0123456789ab', { kind: 'container', container: '0123456789ab' }],
    ['netns:pid:4242', { kind: 'pid', pid: 4242 }],
    ['netns:/run/netns/blue', { kind: 'path', path: '/run/netns/blue' }],
  ])('%s', (text, namespace) => {
    expect(parseListenNamespace(text)).toEqual(namespace);
  });

  it.each([
    '',
    '-web',
    'netns:',
    'netns:web',
    'pid:4242',
    'netns:pid:0',
    '/run/netns/blue',
    'a b',
    '10.0.0.1@netns:pid:1',
  ])('%j is none', (text) => {
    expect(thrownBy(() => parseListenNamespace(text))).toMatchObject({
      code: 'SLUICE_BAD_TARGET',
      message:
        `invalid namespace ${JSON.stringify(text)}: it must be a container's name or id, or netns: with /path, ` +
        'pid:PID or docker:NAME',
    });
  });

  it.each([
    ['netns:docker:web', 'web'],
    ['web', 'web'],
    ['netns:pid:4242', 'netns:pid:4242'],
    ['netns:/run/netns/blue', 'netns:/run/netns/blue'],
  ])('%s is printed as %s', (text, printed) => {
    expect(formatListenNamespace(parseListenNamespace(text))).toBe(printed);
  });
});

import { describe, expect, it } from '@jest/globals';
import { formatTarget, parseTarget } from '../../src/publish/target-spec.js';
import { thrownBy } from '../support/thrown.js';

const label63 = 'x'.repeat(63);

describe('parseTarget', () => {
  it.each([
    ['172.17.0.2', 4, '172.17.0.2'],
    ['fd00::2', 6, 'fd00::2'],
    ['[FD00::2]', 6, 'fd00::2'],
    ['fe80::1%eth0', 6, 'fe80::1%eth0'],
    ['::ffff:172.17.0.2', 4, '172.17.0.2'],
  ])('reads the address %s', (text, family, canonical) => {
    expect(parseTarget(text)).toEqual({ kind: 'ip', ip: { family, text: canonical } });
  });

  it.each([
    'localhost',
    'db.internal',
    'db.internal.',
    'my_service',
    'a-b.example',
    '3com.example',
    'xn--mnchen-3ya.de',
    `${label63}.${label63}.${label63}.${'x'.repeat(61)}`,
  ])('reads the name %s', (name) => {
    expect(parseTarget(name)).toEqual({ kind: 'dns', name });
  });

  it.each(['/run/app.sock', '/', `/${'a'.repeat(106)}`])('reads unix:%s', (path) => {
    expect(parseTarget(`unix:${path}`)).toEqual({ kind: 'unix', path });
  });

  it.each([
    '',
    '.',
    '..',
    'a..b',
    '-a',
    'a-',
    'a b',
    'a/b',
    'db:80',
    'http://db',
    'münchen.de',
    '[db]',
    '[::1',
    'x'.repeat(64),
    `${label63}.${label63}.${label63}.${'x'.repeat(62)}`,
  ])('refuses %j', (text) => {
    expect(thrownBy(() => parseTarget(text))).toMatchObject({
      code: 'SLUICE_BAD_TARGET',
      message: `invalid target ${JSON.stringify(text)}: it must be an IP address, a DNS name, or unix:/path`,
    });
  });

  it.each(['172.17.0.300', '10.1', '172.17.0', '010.0.0.1', '3', '1.2.3.4.', '0x7f000001', 'a.0x7F'])(
    'refuses %s, which a resolver could take for another address than was meant',
    (text) => {
      expect(thrownBy(() => parseTarget(text)).code).toBe('SLUICE_BAD_TARGET');
    },
  );

  it.each([
    ['unix:', 'the path must be absolute'],
    ['unix:app.sock', 'the path must be absolute'],
    ['unix:/a\0b', 'a path has no zero byte'],
    [`unix:/${'a'.repeat(107)}`, 'the kernel takes paths of at most 107 bytes'],
    [`unix:/${'ä'.repeat(54)}`, 'the kernel takes paths of at most 107 bytes'],
  ])('says of %j why it cannot be: %s', (text, why) => {
    expect(thrownBy(() => parseTarget(text)).message).toBe(
      `invalid target ${JSON.stringify(text)} (${why}): it must be an IP address, a DNS name, or unix:/path`,
    );
  });
});

describe('formatTarget', () => {
  it.each([
    ['[FD00::2]', 'fd00::2'],
    ['172.17.0.2', '172.17.0.2'],
    ['db.internal.', 'db.internal.'],
    ['unix:/run/app.sock', 'unix:/run/app.sock'],
  ])('prints %s as %s', (text, printed) => {
    expect(formatTarget(parseTarget(text))).toBe(printed);
  });
});

import { describe, expect, it } from '@jest/globals';
import {
  formatTarget,
  onNetwork,
  parseNamespace,
  parseTarget,
  targetAllowed,
  targetName,
} from '../../src/publish/target-spec.js';
import { thrownBy } from '../support/thrown.js';

const label63 = 'x'.repeat(63);
const id = 'deadbeef'.repeat(8);
const loopback = { family: 4, text: '127.0.0.1' };

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
    'web',
    'db.internal',
    'db.internal.',
    'my_service',
    'a-b.example',
    '3com.example',
    'xn--mnchen-3ya.de',
    'a1b2c3d4e5f6',
    `${label63}.${label63}.${label63}.${'x'.repeat(61)}`,
  ])('reads %s, which may be a container or a DNS name', (name) => {
    expect(parseTarget(name)).toEqual({ kind: 'name', name });
  });

  it.each([id, 'web.1', 'a..b', 'a-', '1234567890123', 'a.0x7F', 'x'.repeat(64)])(
    'reads %s, which DNS cannot have, as a container',
    (container) => {
      expect(parseTarget(container)).toEqual({ kind: 'docker', container, network: undefined });
    },
  );

  it.each(['web', 'web.1', '3', id])('reads docker:%s', (container) => {
    expect(parseTarget(`docker:${container}`)).toEqual({ kind: 'docker', container, network: undefined });
  });

  it.each(['db', 'db.internal.', '_srv.db'])('reads dns:%s', (name) => {
    expect(parseTarget(`dns:${name}`)).toEqual({ kind: 'dns', name });
  });

  it.each(['/run/app.sock', '/', `/${'a'.repeat(106)}`, '/run/1.2.3.4@netns:/x'])('reads unix:%s', (path) => {
    expect(parseTarget(`unix:${path}`)).toEqual({ kind: 'unix', path });
  });

  it.each([
    ['netns:/run/netns/blue', { kind: 'path', path: '/run/netns/blue' }, loopback],
    ['netns:pid:4242', { kind: 'pid', pid: 4242 }, loopback],
    ['netns:docker:web', { kind: 'container', container: 'web' }, loopback],
    ['10.0.0.1@netns:pid:1', { kind: 'pid', pid: 1 }, { family: 4, text: '10.0.0.1' }],
    ['[::1]@netns:/a@netns:/b', { kind: 'path', path: '/a@netns:/b' }, { family: 6, text: '::1' }],
    ['fe80::1%eth0@netns:pid:9', { kind: 'pid', pid: 9 }, { family: 6, text: 'fe80::1%eth0' }],
  ])('reads %s', (text, namespace, ip) => {
    expect(parseTarget(text)).toEqual({ kind: 'netns', namespace, ip });
  });

  it.each([
    '',
    '.',
    '..',
    '-a',
    'a b',
    'a/b',
    'db:80',
    'http://db',
    'münchen.de',
    '[db]',
    '[::1',
    '@web',
    `${'x'.repeat(256)}`,
  ])('refuses %j', (text) => {
    expect(thrownBy(() => parseTarget(text))).toMatchObject({
      code: 'SLUICE_BAD_TARGET',
      message: `invalid target ${JSON.stringify(text)}: it must be ${targetAllowed}`,
    });
  });

  it.each(['172.17.0.300', '10.1', '172.17.0', '010.0.0.1', '3', '1.2.3.4.', '0x7f000001'])(
    'refuses %s, which a resolver could take for another address than was meant',
    (text) => {
      const { code, message } = thrownBy(() => parseTarget(text));
      expect(code).toBe('SLUICE_BAD_TARGET');
      expect(message).toContain(`(docker:${text} where a container is meant)`);
    },
  );

  const longNames = [`${label63}.${label63}.${label63}.${'x'.repeat(62)}`, '10.1', 'a.0x7F', 'a..b', ''];

  it.each([
    ['unix:', 'the path must be absolute'],
    ['unix:app.sock', 'the path must be absolute'],
    ['unix:/a\0b', 'a path has no zero byte'],
    [`unix:/${'a'.repeat(107)}`, 'the kernel takes paths of at most 107 bytes'],
    [`unix:/${'ä'.repeat(54)}`, 'the kernel takes paths of at most 107 bytes'],
    ['docker:', '"" is no container\'s name or id'],
    ['docker:a b', '"a b" is no container\'s name or id'],
    ['docker:-web', '"-web" is no container\'s name or id'],
    ...longNames.map((name) => [`dns:${name}`, `${JSON.stringify(name)} is no DNS name`]),
    ['netns:', 'a namespace is /path, pid:PID or docker:NAME'],
    ['netns:blue', 'a namespace is /path, pid:PID or docker:NAME'],
    ['netns:pid:0', 'a namespace is /path, pid:PID or docker:NAME'],
    ['netns:pid:4194305', 'a namespace is /path, pid:PID or docker:NAME'],
    ['netns:docker:', '"" is no container\'s name or id'],
    [`netns:/${'a'.repeat(4095)}`, 'the kernel takes paths of at most 4095 bytes'],
    ['web@netns:pid:1', '"web" is no IP address'],
    ['@netns:pid:1', '"" is no IP address'],
  ])('says of %j why it cannot be: %s', (text, why) => {
    expect(thrownBy(() => parseTarget(text)).message).toBe(
      `invalid target ${JSON.stringify(text)} (${why}): it must be ${targetAllowed}`,
    );
  });

  it('says what it may be', () => {
    expect(targetAllowed).toBe(
      "an IP address, a container's name or a DNS name (docker:NAME and dns:NAME settle which), unix:/path, " +
        'or [ADDRESS@]netns: with /path, pid:PID or docker:NAME',
    );
  });
});

describe('parseNamespace', () => {
  it.each([
    ['/run/netns/blue', { kind: 'path', path: '/run/netns/blue' }],
    ['pid:4194304', { kind: 'pid', pid: 4_194_304 }],
    ['docker:web', { kind: 'container', container: 'web' }],
  ])('reads %s', (text, namespace) => {
    expect(parseNamespace(text)).toEqual(namespace);
  });
});

describe('formatTarget', () => {
  it.each([
    ['[FD00::2]', 'fd00::2'],
    ['172.17.0.2', '172.17.0.2'],
    ['db.internal.', 'db.internal.'],
    ['dns:db', 'dns:db'],
    ['docker:web', 'docker:web'],
    ['web.1', 'docker:web.1'],
    ['unix:/run/app.sock', 'unix:/run/app.sock'],
    ['127.0.0.1@netns:pid:4242', 'netns:pid:4242'],
    ['[::1]@netns:docker:web', '::1@netns:docker:web'],
    ['netns:/run/netns/blue', 'netns:/run/netns/blue'],
  ])('prints %s as %s', (text, printed) => {
    expect(formatTarget(parseTarget(text))).toBe(printed);
  });
});

describe('targetName', () => {
  it.each([
    ['web', 'web'],
    ['docker:web', 'web'],
    ['dns:db.internal', 'db.internal'],
    ['[::1]', '::1'],
    ['netns:docker:web', 'netns:docker:web'],
  ])('of %s is %s', (text, name) => {
    expect(targetName(parseTarget(text))).toBe(name);
  });
});

describe('onNetwork', () => {
  it.each(['web', 'docker:web'])('makes %s the container, on that network', (text) => {
    expect(onNetwork(parseTarget(text), 'my-net')).toEqual({
      kind: 'docker',
      container: 'web',
      network: 'my-net',
    });
  });

  it.each(['dns:web', '10.0.0.1', 'unix:/run/app.sock', 'netns:pid:1'])(
    'refuses %s, which is no container',
    (text) => {
      expect(thrownBy(() => onNetwork(parseTarget(text), 'my-net'))).toMatchObject({
        code: 'SLUICE_BAD_TARGET',
        message: `a network is one of a container's, and ${text} is no container`,
      });
    },
  );

  it('refuses a DNS name that no container can have', () => {
    expect(thrownBy(() => onNetwork(parseTarget('_srv'), 'my-net')).message).toContain(
      '"_srv" is no container\'s name or id',
    );
  });

  it.each(['', '-x', 'a b'])('refuses %j, which is no network', (network) => {
    expect(thrownBy(() => onNetwork(parseTarget('web'), network)).message).toBe(
      `invalid network ${JSON.stringify(network)}: it must be the name of a Docker network`,
    );
  });
});

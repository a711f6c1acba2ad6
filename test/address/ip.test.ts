import { describe, expect, it } from '@jest/globals';
import { everyIpv4, everyIpv6, isWildcard, parseIp } from '../../src/address/ip.js';

describe('parseIp', () => {
  it.each([
    ['1.2.3.4', 4, '1.2.3.4'],
    ['0.0.0.0', 4, '0.0.0.0'],
    ['255.255.255.255', 4, '255.255.255.255'],
    ['::', 6, '::'],
    ['::1', 6, '::1'],
    ['0:0:0:0:0:0:0:1', 6, '::1'],
    ['2001:DB8::00FF', 6, '2001:db8::ff'],
    ['1:2:3:4:5:6:7::', 6, '1:2:3:4:5:6:7:0'],
    ['1:0:0:1:0:0:0:1', 6, '1:0:0:1::1'],
    ['64:ff9b::192.0.2.33', 6, '64:ff9b::c000:221'],
  ])('reads %s', (text, family, canonical) => {
    expect(parseIp(text)).toEqual({ family, text: canonical });
  });

  it.each([
    'fe80::1%eth0',
    'fe80::1%2',
    'fe80::1%4294967295',
    'fe80::1%eth0.100',
    'fe80::1%br-0a1b2c3d4e5f',
    'fe80::1%veth_A',
  ])('keeps the zone of %s', (text) => {
    expect(parseIp(text)).toEqual({ family: 6, text });
  });

  it.each(['::ffff:1.2.3.4', '::FFFF:102:304', '0:0:0:0:0:ffff:1.2.3.4'])(
    'reads the IPv4-mapped %s as the IPv4 address',
    (text) => {
      expect(parseIp(text)).toEqual({ family: 4, text: '1.2.3.4' });
    },
  );

  it('keeps ::1.2.3.4 apart from 1.2.3.4: it is IPv4-compatible, not IPv4-mapped', () => {
    expect(parseIp('::1.2.3.4')).toEqual({ family: 6, text: '::102:304' });
  });

  it.each([
    ['', 'nothing'],
    ['1.2.3', 'three parts'],
    ['1.2.3.4.5', 'five parts'],
    ['1.2.3.256', 'a part too large'],
    ['010.2.3.4', 'a leading zero'],
    ['::ffff:01.2.3.4', 'a leading zero in an IPv6 tail'],
    ['::0x7f.0.0.1', 'a hexadecimal part in an IPv6 tail'],
    ['0x7f000001', 'one number'],
    [' 1.2.3.4', 'a blank'],
    ['1.2.3.4\n', 'a line end'],
    ['1.2.3.4%eth0', 'a zone on IPv4'],
    ['::ffff:1.2.3.4%eth0', 'a zone on mapped IPv4'],
    ['[::1]', 'brackets'],
    [':::', 'three colons'],
    ['1::2::3', 'two gaps'],
    ['1:2:3:4:5:6:7:8:9', 'nine groups'],
    ['12345::', 'a group too long'],
    ['fe80::1%', 'an empty zone'],
    ['fe80::1%4294967298', 'a zone of more than 32 bits'],
    ['fe80::1%a b', 'a blank in the zone'],
    ['fe80::1%a/b', 'a slash in the zone'],
    ['fe80::1%sixteen-letters-', 'a zone longer than an interface name'],
    ['localhost', 'a name'],
  ])('refuses %j: %s', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
});

describe('isWildcard', () => {
  it('is true for the address that stands for all of its family', () => {
    expect([everyIpv4, everyIpv6].map(isWildcard)).toEqual([true, true]);
    expect(['127.0.0.1', '::1'].map((text) => isWildcard(parseIp(text) ?? everyIpv4))).toEqual([
      false,
      false,
    ]);
  });
});

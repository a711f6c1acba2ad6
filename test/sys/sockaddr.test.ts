import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseIp } from '../../src/address/ip.js';
import { Errno, errnoName, SystemCallError } from '../../src/sys/errno.js';
import {
  ipv6Groups,
  ipv6Text,
  readSockaddr,
  writeSockaddr,
  writeSockaddrUn,
} from '../../src/sys/sockaddr.js';

const port = fc.integer({ min: 0, max: 65_535 });
/** Zeros often, so that runs of them come at every place and of every length. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});

describe('an IPv6 address', () => {
  test('has the text that a parsed one has', () => {
    fc.assert(
      fc.property(groups, (parts) => {
        const parsed = parseIp(parts.map((part) => part.toString(16)).join(':'));
        // One that is IPv4-mapped is read as IPv4.
        fc.pre(parsed?.family === 6);
        expect(ipv6Text(parts)).toBe(parsed?.text);
        expect(ipv6Groups(ipv6Text(parts))).toEqual(parts);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a socket address', () => {
  test('is read as it was written, at any place in memory', () => {
    const ipv4 = fc.ipV4().map((text) => ({ family: 4 as const, text }));
    const ipv6 = groups.map((parts) => ({ family: 6 as const, text: ipv6Text(parts) }));
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), port, fc.integer({ min: 0, max: 64 }), (ip, number, offset) => {
        const memory = new Uint8Array(256).fill(0xff);
        const length = writeSockaddr(memory, offset, { ...ip, port: number });
        expect(length).toBe(ip.family === 4 ? 16 : 28);
        expect(readSockaddr(memory, offset)).toEqual({ ...ip, port: number });
        expect(memory.subarray(offset + 28).every((byte) => byte === 0xff)).toBe(true);
      }),
    );
  });

  test('of a unix socket ends in a zero', () => {
    const memory = new Uint8Array(128).fill(0xff);
    expect(writeSockaddrUn(memory, 0, '/run/ä.sock')).toBe(2 + 12 + 1);
    expect(Buffer.from(memory.subarray(2, 15)).toString()).toBe('/run/ä.sock\0');
  });
});

describe('errno', () => {
  test('has a name, or says its number', () => {
    for (const [name, value] of Object.entries(Errno)) expect(errnoName(value)).toBe(name);
    expect([errnoName(9), errnoName(4095)]).toEqual(['EBADF', 'E4095']);
  });

  test('makes an error that says which call failed', () => {
    const error = new SystemCallError('bind', Errno.EADDRINUSE);
    expect(error).toMatchObject({
      code: 'EADDRINUSE',
      errno: 98,
      syscall: 'bind',
      message: 'bind: EADDRINUSE',
    });
  });
});

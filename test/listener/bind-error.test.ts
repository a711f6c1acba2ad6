import { describe, expect, it } from '@jest/globals';
import { bindError, isFamilyMissing } from '../../src/listener/bind-error.js';

const endpoint = { ip: { family: 4, text: '0.0.0.0' }, port: 5000 } as const;
const failing = (code: string) => Object.assign(new Error(`bind ${code} 0.0.0.0:5000`), { code });

describe('bindError', () => {
  it.each([
    ['EADDRINUSE', 'SLUICE_PORT_ALLOCATED', 'port is already allocated'],
    [
      'EACCES',
      'SLUICE_BIND_FAILED',
      'permission denied: this user may not bind it (see net.ipv4.ip_unprivileged_port_start)',
    ],
    [
      'EADDRNOTAVAIL',
      'SLUICE_BIND_FAILED',
      'cannot assign requested address: no interface of this machine has it',
    ],
    ['EAFNOSUPPORT', 'SLUICE_BIND_FAILED', 'this machine has no addresses of that family'],
    [
      'EMFILE',
      'SLUICE_BIND_FAILED',
      'too many open files: raise the limit (ulimit -n) or publish fewer ports',
    ],
    ['ENODEV', 'SLUICE_BIND_FAILED', 'no such device: there is no interface of that name or number'],
    ['EINVAL', 'SLUICE_BIND_FAILED', 'bind EINVAL 0.0.0.0:5000'],
  ])('of %s', (errno, code, words) => {
    const cause = failing(errno);
    expect(bindError(endpoint, cause)).toMatchObject({
      code,
      message: `Bind for 0.0.0.0:5000 failed: ${words}`,
      cause,
    });
  });

  it('names an IPv6 address in brackets', () => {
    const message = bindError({ ip: { family: 6, text: '::1' }, port: 80 }, failing('EADDRINUSE')).message;
    expect(message).toBe('Bind for [::1]:80 failed: port is already allocated');
  });
});

describe('isFamilyMissing', () => {
  it('is true of what a machine without IPv6 says, and of nothing else', () => {
    const errnos = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EADDRINUSE', 'EACCES'];
    expect(errnos.filter((errno) => isFamilyMissing(failing(errno)))).toEqual([
      'EAFNOSUPPORT',
      'EADDRNOTAVAIL',
    ]);
    expect(isFamilyMissing(undefined)).toBe(false);
  });
});

import { describe, expect, it } from '@jest/globals';
import { formatEndpoint, formatHostPort } from '../../src/address/endpoint.js';
import { everyIpv6 } from '../../src/address/ip.js';

describe('an endpoint', () => {
  it('is printed with brackets around IPv6 alone', () => {
    expect(formatEndpoint({ ip: { family: 4, text: '10.0.0.1' }, port: 80 })).toBe('10.0.0.1:80');
    expect(formatEndpoint({ ip: { family: 6, text: 'fe80::1%eth0' }, port: 80 })).toBe('[fe80::1%eth0]:80');
  });

  it('may have a range where the port stands', () => {
    expect(formatHostPort(everyIpv6, '8000-8010')).toBe('[::]:8000-8010');
  });
});

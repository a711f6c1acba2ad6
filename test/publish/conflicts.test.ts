import { describe, expect, it } from '@jest/globals';
import { everyIpv4, everyIpv6, parseIp } from '../../src/address/ip.js';
import { findConflicts, listenAddresses } from '../../src/publish/conflicts.js';
import { parseListenNamespace } from '../../src/publish/listen-namespace.js';
import type { Mapping } from '../../src/publish/mapping.js';
import { mappingsOf } from '../support/mappings.js';

/** Each conflict as the indexes of its mapping and of the holder. */
function conflictsOf(...specs: string[]): number[][] {
  const mappings = mappingsOf(...specs);
  const at = (mapping: Mapping) => mappings.indexOf(mapping);
  return findConflicts(mappings).map(({ mapping, holder }) => [at(mapping), at(holder)]);
}

describe('a host port is taken', () => {
  it.each([
    ['by the same address', '127.0.0.1:80:1', '127.0.0.1:80:2'],
    ['by the same address written otherwise', '[::1]:80:1', '[0:0:0:0:0:0:0:1]:80:2'],
    ['by every address', '80:1', '80:2'],
    ['inside every address, on IPv4', '80:1', '127.0.0.1:80:2'],
    ['inside every address, on IPv6', '80:1', '[::1]:80:2'],
    ['inside 0.0.0.0', '0.0.0.0:80:1', '127.0.0.1:80:2'],
    ['inside [::]', '[::]:80:1', '[::1]:80:2'],
    ['by 0.0.0.0 when every address is asked for', '0.0.0.0:80:1', '80:2'],
    ['by [::] when every address is asked for', '[::]:80:1', '80:2'],
    ['by one address when 0.0.0.0 is asked for', '127.0.0.1:80:1', '0.0.0.0:80:2'],
    ['by one address when every address is asked for', '[::1]:80:1', '80:2'],
  ])('%s', (_, holder, mapping) => {
    expect(conflictsOf(holder, mapping)).toEqual([[1, 0]]);
  });

  it('by a port of a range', () => {
    expect(conflictsOf('8000-8002:80-82', '8001:90')).toEqual([[3, 1]]);
  });

  it('by the first of several addresses when a wildcard is asked for', () => {
    expect(conflictsOf('127.0.0.1:80:1', '127.0.0.2:80:2', '0.0.0.0:80:3')).toEqual([[2, 0]]);
  });

  it('by the first that asked, however many follow', () => {
    expect(conflictsOf('127.0.0.1:80:1', '0.0.0.0:80:2', '127.0.0.1:80:3', '127.0.0.2:80:4')).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });
});

describe('a host port is not taken', () => {
  it.each([
    ['0.0.0.0 and [::] are apart', ['0.0.0.0:80:1', '[::]:80:1']],
    ['two addresses are apart', ['127.0.0.1:80:1', '127.0.0.2:80:1', '[::1]:80:1']],
    ['tcp and udp are apart', ['80:1', '80:1/udp']],
    ['ports are apart', ['80:1', '81:1']],
    ['a pool gives way when it is bound', ['80-90:1', '80:1', '80-90:1']],
    ['free ports are of the kernel’s choice', ['80', '80', '127.0.0.1::80']],
  ])('%s', (_, specs) => {
    expect(conflictsOf(...specs)).toEqual([]);
  });
});

describe('network namespaces', () => {
  const inside = (text: string) => ({ in: parseListenNamespace(text) });
  const [here = {} as Mapping] = mappingsOf('127.0.0.1:80:1');

  it('have ports of their own', () => {
    const apart = [here, { ...here, ...inside('web') }, { ...here, ...inside('netns:pid:7') }];
    expect(findConflicts(apart)).toEqual([]);
  });

  it('have each port once', () => {
    const [holder, mapping] = [inside('web'), inside('netns:docker:web')].map((own) => ({ ...here, ...own }));
    expect(findConflicts([here, holder as Mapping, mapping as Mapping])).toEqual([{ mapping, holder }]);
  });
});

describe('listenAddresses', () => {
  it('is both wildcards where no host ip is given, else that alone', () => {
    const loopback = parseIp('127.0.0.1');
    expect(listenAddresses(undefined)).toEqual([everyIpv4, everyIpv6]);
    expect(listenAddresses(loopback)).toEqual([loopback]);
  });
});

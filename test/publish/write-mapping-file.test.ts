import { describe, expect, it } from '@jest/globals';
import { defaultFlowOptions, type Mapping } from '../../src/publish/mapping.js';
import { parseMappingFile } from '../../src/publish/mapping-file.js';
import { onNetwork, parseTarget } from '../../src/publish/target-spec.js';
import { writeMappingFile } from '../../src/publish/write-mapping-file.js';
import { mappingsOf } from '../support/mappings.js';

/** What a mapping file that was written reads as. */
const readAgain = (mappings: readonly Mapping[], name = 'edge') =>
  parseMappingFile(writeMappingFile(name, mappings), 'edge.json');

describe('a mapping file that is written', () => {
  it('reads as what it was written from', () => {
    const mappings = mappingsOf(
      '8080:80',
      '127.0.0.1:5353:53/udp',
      '[::1]:81:81',
      '90',
      '127.0.0.1::91',
      '9000-9009:99',
    );
    expect(readAgain(mappings)).toEqual({ name: 'edge', mappings });
  });

  it('has an entry for each name, target and set of options', () => {
    const [web, dns] = mappingsOf('8080:80', '53:53/udp');
    if (web === undefined || dns === undefined) throw new Error('two mappings were expected');
    const slow = { ...web, options: { ...defaultFlowOptions, idleTimeoutMs: 90_500, maxFlows: 7 } };
    const other = {
      ...dns,
      name: 'other',
      target: parseTarget('unix:/run/a.sock'),
      protocol: 'tcp' as const,
    };
    const container = { ...web, name: 'c', target: onNetwork(parseTarget('docker:c'), 'my-net') };
    const again = readAgain(
      [web, dns, other, container, { ...slow, name: 'slow', hostPort: { kind: 'free' } }].map(
        (mapping, index) => ({ ...mapping, hostPort: { kind: 'fixed', port: 8000 + index } }),
      ),
    );
    expect(again.mappings.map(({ name, target, options }) => ({ name, target, options }))).toEqual([
      { name: 'web', target: web.target, options: web.options },
      { name: 'web', target: web.target, options: web.options },
      { name: 'other', target: other.target, options: other.options },
      { name: 'c', target: container.target, options: container.options },
      { name: 'slow', target: slow.target, options: slow.options },
    ]);
  });

  it('gives an entry no name that it cannot have, or that another one has', () => {
    const [web] = mappingsOf('8080:80');
    if (web === undefined) throw new Error('a mapping was expected');
    const path = { ...web, name: 'unix:/run/a.sock', target: parseTarget('unix:/run/a.sock') };
    const twin = { ...web, target: parseTarget('10.0.0.9') };
    const ports = (mapping: Mapping, port: number): Mapping => ({
      ...mapping,
      hostPort: { kind: 'fixed', port },
    });
    const { mappings } = readAgain([ports(web, 1), ports(path, 2), ports(twin, 3)]);
    expect(mappings.map(({ name }) => name)).toEqual(['web', 'unix:/run/a.sock', '10.0.0.9']);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isWildcard, parseIp } from '../../src/address/ip.js';
import { formatPortRange, highestPort, parsePortRange } from '../../src/address/port.js';
import { limits } from '../../src/limits.js';
import { formatDuration, parseDuration } from '../../src/publish/duration.js';
import { formatPublishSpec, parsePublishSpec } from '../../src/publish/publish-spec.js';
import { formatTarget, parseTarget } from '../../src/publish/target-spec.js';
import { outcomeOf } from '../support/outcome.js';
import { ip, ipText, portRange, publishSpec, targetSpec, textsFrom } from './arbitraries.js';

const many = { numRuns: 1_000 };

const anySpec = textsFrom(
  ...[':', '::', '[', ']', '-', '/', '/tcp', '/UDP', '/sctp', '0', '.', '127.0.0.1', '::1', '%eth0', ' '],
  ...['target=', 'published=', 'host_ip=', 'protocol=', ',', '=', '\n', 'x'],
);
const anyTarget = textsFrom(
  'unix:',
  'netns:',
  '@netns:',
  'pid:',
  'docker:',
  'dns:',
  '/',
  '.',
  '-',
  '_',
  'a',
  'db',
  '[',
  ']',
  '::1',
  '1.2.3.4',
  '%',
  '\0',
  'ä',
);
const anyDuration = textsFrom('ms', 's', 'm', 'h', '.', '-', ' ', '1', '99999999999999999999', 'd');
const anyIp = textsFrom(':', '::', '.', '%', 'eth0', 'ffff', '0', '1', '255', '256', 'g', '0x', '127.0.0.1');

describe('a parser reads any text or refuses it, with our error on one line and with no other', () => {
  it.each([
    ['parsePublishSpec', parsePublishSpec, anySpec],
    ['parseTarget', parseTarget, anyTarget],
    ['parseDuration', parseDuration, anyDuration],
  ] as const)('%s', (_, parse, texts) => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(texts, (text) => {
        outcomes.add(outcomeOf(() => parse(text)));
      }),
      many,
    );
    // Otherwise the texts would be too far from the grammar, or too near.
    expect(outcomes).toEqual(new Set(['read', 'refused']));
  });
});

describe('what is printed is read as the same value', () => {
  it('a publish spec', () => {
    fc.assert(
      fc.property(publishSpec, (spec) => {
        expect(parsePublishSpec(formatPublishSpec(spec))).toEqual(spec);
      }),
      many,
    );
  });

  it('a publish spec, of any text that is one', () => {
    fc.assert(
      fc.property(anySpec, (text) => {
        fc.pre(outcomeOf(() => parsePublishSpec(text)) === 'read');
        const spec = parsePublishSpec(text);
        expect(parsePublishSpec(formatPublishSpec(spec))).toEqual(spec);
      }),
      { numRuns: 200, maxSkipsPerRun: 1_000 },
    );
  });

  it('a target', () => {
    fc.assert(
      fc.property(targetSpec, (target) => {
        expect(parseTarget(formatTarget(target))).toEqual(target);
      }),
      many,
    );
  });

  it('a duration', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: limits.durationMs }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
      many,
    );
  });

  it('a port range', () => {
    fc.assert(
      fc.property(portRange, (range) => {
        expect(parsePortRange(formatPortRange(range))).toEqual(range);
      }),
      many,
    );
  });

  it('an address', () => {
    fc.assert(
      fc.property(ip, (address) => {
        expect(parseIp(address.text)).toEqual(address);
      }),
      many,
    );
  });
});

describe('parseIp', () => {
  it('throws on no text', () => {
    fc.assert(
      fc.property(anyIp, (text) => {
        expect([4, 6, undefined]).toContain(parseIp(text)?.family);
      }),
      many,
    );
  });

  it('reads every address there is, but for a zone on an IPv4-mapped one', () => {
    fc.assert(
      fc.property(ipText, (text) => {
        const mappedWithZone = /^(0{0,4}:)*:?ffff:.*%/i.test(text);
        expect(parseIp(text) !== undefined || mappedWithZone).toBe(true);
      }),
      many,
    );
  });

  it('gives the two wildcards alone the text of one', () => {
    fc.assert(
      fc.property(ip, (address) => {
        expect(isWildcard(address)).toBe(/^[0:.]*$/.test(address.text) && address.text !== '');
      }),
      many,
    );
  });
});

describe('parsePortRange', () => {
  it('gives two ports in order, or nothing', () => {
    fc.assert(
      fc.property(textsFrom('-', '0', '65535', ' ', '+', 'x'), (text) => {
        const { first, last } = parsePortRange(text) ?? { first: 0, last: 0 };
        expect(first >= 0 && first <= last && last <= highestPort).toBe(true);
      }),
      many,
    );
  });
});

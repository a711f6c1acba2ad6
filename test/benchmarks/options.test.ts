import { describe, expect, it } from '@jest/globals';
import { parseOptions } from '../../benchmarks/options.js';

const namesOf = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);

describe('the options of the benchmarks', () => {
  it('mean everything, unless said otherwise', () => {
    const { scenarios, peers, rounds, seconds, json } = parseOptions([]);
    expect(namesOf(scenarios)).toEqual([
      'http-keepalive',
      'http-close',
      'bulk',
      'udp',
      'idle',
      'start',
      'mappings',
    ]);
    expect(namesOf(peers)).toContain('sluice-splice');
    expect({ rounds, seconds, json }).toEqual({ rounds: 5, seconds: 5, json: undefined });
  });

  it('choose scenarios and peers, one by one or by commas', () => {
    const { scenarios, peers } = parseOptions(['--scenario', 'udp,bulk', '--peer=nginx', '--peer', 'direct']);
    expect(namesOf(scenarios)).toEqual(['bulk', 'udp']);
    expect(namesOf(peers)).toEqual(['direct', 'nginx']);
  });

  it('add another checkout, and say so where it is not built', () => {
    const { peers } = parseOptions(['--peer', 'sluice-splice', '--before', '/nonexistent']);
    expect(namesOf(peers)).toEqual(['sluice-splice', 'sluice-before']);
    expect(peers[1]?.missing()).toBe('there is no /nonexistent/dist/sluice.js: build it first');
  });

  it.each([
    [['--peer', 'envoy'], '--peer envoy: it is one of direct, sluice-splice'],
    [['--rounds', '1.5'], '--rounds 1.5: it must be'],
    [['--seconds', '0'], '--seconds 0: it must be'],
    [['--seconds', ''], '--seconds : it must be'],
    [['--round', '3'], "Unknown option '--round'"],
    [['bulk'], "Unexpected argument 'bulk'"],
  ])('%j is refused in words', (args, words) => {
    expect(() => parseOptions(args)).toThrow(words);
  });
});

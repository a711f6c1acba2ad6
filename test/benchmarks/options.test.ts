import { describe, expect, it } from '@jest/globals';
import { fullSizes, quickPace, quickSizes } from '../../benchmarks/bounds.js';
import { parseOptions, type RunOptions } from '../../benchmarks/options.js';

const namesOf = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);

function runOptions(...args: readonly string[]): RunOptions {
  const asked = parseOptions(args);
  if (asked.kind !== 'run') throw new Error(`${args.join(' ')} asks for ${asked.kind}`);
  return asked;
}

describe('the options of the benchmarks', () => {
  it('mean everything, unless said otherwise', () => {
    const { scenarios, peers, sizes, pace, ownSessions, json } = runOptions();
    expect(namesOf(scenarios)).toEqual([
      ...['http-keepalive', 'http-close', 'wrk-keepalive', 'wrk-close', 'latency', 'churn'],
      ...['bulk', 'iperf3', 'udp', 'idle', 'start', 'mappings'],
    ]);
    expect(namesOf(peers)).toContain('sluice-splice');
    expect({ sizes, pace, ownSessions, json }).toEqual({
      ...{ sizes: fullSizes, pace: { rounds: 5, seconds: 1, warmUpSeconds: 3 }, json: undefined },
      ownSessions: false,
    });
  });

  it('choose scenarios and peers, one by one or by commas', () => {
    const { scenarios, peers } = runOptions('--scenario', 'udp,bulk', '--peer=nginx', '--peer', 'direct');
    expect(namesOf(scenarios)).toEqual(['bulk', 'udp']);
    expect(namesOf(peers)).toEqual(['direct', 'nginx']);
  });

  it('make it quick, with what any machine can run', () => {
    const { scenarios, sizes, pace } = runOptions('--quick', '--rounds', '3');
    expect(namesOf(scenarios)).toEqual(['http-keepalive', 'bulk', 'udp']);
    expect({ sizes, pace }).toEqual({ sizes: quickSizes, pace: { ...quickPace, rounds: 3 } });
    expect(pace.withinSeconds).toBeLessThan(60);
  });

  it('add another checkout, and say so where it is not built', () => {
    const { peers } = runOptions('--peer', 'sluice-splice', '--before', '/nonexistent');
    expect(namesOf(peers)).toEqual(['sluice-splice', 'sluice-before']);
    expect(peers[1]?.missing()).toBe('there is no /nonexistent/dist/sluice.js: build it first');
  });

  it.each([
    [['--compare', 'a.json', 'b.json'], { kind: 'compare', before: 'a.json', after: 'b.json' }],
    [['--render', 'a.json'], { kind: 'render', file: 'a.json' }],
    [['--help', 'bulk'], { kind: 'help' }],
  ])('%j asks for something else', (args, asked) => {
    expect(parseOptions(args)).toEqual(asked);
  });

  it.each([
    [['--peer', 'envoy'], '--peer envoy: it is one of direct, sluice-splice'],
    [['--rounds', '2.5'], '--rounds 2.5: it must be'],
    [['--rounds', '1'], '--rounds 1: it must be a whole number, 2 at least, since one alone has no spread'],
    [['--seconds', '0'], '--seconds 0: it must be'],
    [['--seconds', ''], '--seconds : it must be'],
    [['--round', '3'], "Unknown option '--round'"],
    [['bulk'], 'bulk: only --compare takes files'],
    [['--compare', 'a.json'], '--compare takes two files'],
    [['--json', 'result'], '--json result: it must end in .json'],
  ])('%j is refused in words', (args, words) => {
    expect(() => parseOptions(args)).toThrow(words);
  });
});

import { describe, expect, it } from '@jest/globals';
import { fullSizes, type Pace } from '../../benchmarks/bounds.js';
import type { Peer } from '../../benchmarks/peers/peer.js';
import type { Scenario, Work } from '../../benchmarks/scenarios/scenario.js';
import { estimateOf, planOf, runPlan } from '../../benchmarks/session.js';

const pace: Pace = { rounds: 2, seconds: 1, warmUpSeconds: 0 };
const nothing = () => undefined;

function peerOf(name: string, missing?: string): Peer {
  return {
    ...{ name, protocols: ['tcp'], kind: 'other', choices: {} },
    ...{ missing: () => missing, version: () => '1' },
  };
}

function scenarioOf(name: string, open: Work['open']): Scenario {
  const work: Work = {
    ...{ title: name, reference: 'ours', warmUp: false, open },
    figures: [{ key: 'rate', title: 'requests/s', better: 'more', digits: 0 }],
    subjectCount: (peers) => peers.length,
    secondsEach: (seconds) => seconds,
  };
  return { name, protocol: 'tcp', missing: nothing, works: () => [work] };
}

const measured: Work['open'] = () =>
  Promise.resolve({
    subjects: [{ name: 'ours', measure: () => Promise.resolve({ rate: 1 }) }],
    ...{ failures: [], leftOut: [], close: () => Promise.resolve() },
  });

describe('a plan', () => {
  it('names what is not there, and does without it', () => {
    const plan = planOf(
      [scenarioOf('some', measured)],
      [peerOf('a'), peerOf('b', 'b is not installed')],
      fullSizes,
    );
    expect(plan.skipped).toEqual([{ name: 'b', why: 'b is not installed' }]);
    expect(plan.peers.map(({ name }) => name)).toEqual(['a']);
  });

  it('tells how long it takes: no longer than it may', () => {
    const plan = planOf([scenarioOf('some', measured)], [peerOf('a'), peerOf('b')], fullSizes);
    expect(estimateOf(plan, pace)).toBeGreaterThanOrEqual(4);
    expect(estimateOf(plan, { ...pace, withinSeconds: 3 })).toBe(3);
  });
});

describe('a run', () => {
  it('goes on after a work that cannot be opened', async () => {
    const broken = scenarioOf('broken', () => Promise.reject(new Error('no port')));
    const plan = planOf([broken, scenarioOf('whole', measured)], [peerOf('a')], fullSizes);
    const [first, second] = await runPlan(plan, pace, nothing, nothing);
    expect(first).toMatchObject({
      title: 'broken',
      failures: [{ name: 'broken', why: 'no port' }],
      rounds: [],
    });
    expect(second).toMatchObject({ title: 'whole', failures: [], rounds: [{ round: 0 }, { round: 1 }] });
  });

  it('whose time is over leaves the rest out, and says so', async () => {
    const plan = planOf([scenarioOf('late', measured)], [peerOf('a')], fullSizes);
    const [late] = await runPlan(plan, { ...pace, withinSeconds: 0 }, nothing, nothing);
    expect(late?.leftOut).toEqual([{ name: 'late', why: 'the time was over before its turn came' }]);
  });
});

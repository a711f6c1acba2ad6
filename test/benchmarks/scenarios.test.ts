/** Every scenario once, tiny, so that none rots: the figures mean nothing, that there are some means all. */
import { afterAll, expect, it } from '@jest/globals';
import type { Sizes } from '../../benchmarks/bounds.js';
import { killLeftovers } from '../../benchmarks/child.js';
import { allPeers } from '../../benchmarks/peers/all.js';
import type { Peer } from '../../benchmarks/peers/peer.js';
import { allScenarios } from '../../benchmarks/scenarios/all.js';
import { planOf, runPlan } from '../../benchmarks/session.js';
import { describeWhere } from '../support/machine.js';

const sizes: Sizes = {
  httpConnections: [4],
  httpCloseConnections: 4,
  streams: [2],
  udpLoads: [{ clients: 2, inFlight: 2, bytes: 64 }],
  idleFlows: 20,
  mappings: 10,
};
const pace = { rounds: 1, seconds: 0.2, warmUp: false };
const nothing = () => undefined;

/** These take a second or more each, and so get few; the others show that every peer starts and carries. */
const fewPeers = ['direct', 'sluice-splice'];
const slowScenarios = ['http-keepalive', 'http-close', 'bulk', 'idle'];

afterAll(killLeftovers);

for (const scenario of allScenarios) {
  const missing = scenario.missing();
  const peers = allPeers.filter(
    ({ name }: Peer) => !slowScenarios.includes(scenario.name) || fewPeers.includes(name),
  );
  describeWhere(missing === undefined, missing ?? '', `the scenario ${scenario.name}`, () => {
    it('measures every peer that is there', async () => {
      const plan = planOf([scenario], peers, sizes);
      const tables: string[] = [];
      const results = await runPlan(plan, pace, nothing, (table) => tables.push(table));
      expect(results.flatMap(({ failures }) => failures)).toEqual([]);
      for (const { work, subjects, rounds } of results) {
        expect(subjects.length).toBeGreaterThanOrEqual(1);
        expect(rounds.map(({ subject }) => subject).sort()).toEqual([...subjects].sort());
        for (const { measured } of rounds) expect(measured[work.figures[0].key]).toEqual(expect.any(Number));
      }
      expect(tables).toHaveLength(results.length);
    }, 30_000);
  });
}

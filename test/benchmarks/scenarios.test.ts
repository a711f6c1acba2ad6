/** Every scenario once, tiny, so that none rots: the figures mean nothing, that there are some means all. */
import { afterAll, expect, it } from '@jest/globals';
import type { Sizes } from '../../benchmarks/bounds.js';
import { killLeftovers } from '../../benchmarks/child.js';
import { allPeers } from '../../benchmarks/peers/all.js';
import type { Peer } from '../../benchmarks/peers/peer.js';
import type { WorkReport } from '../../benchmarks/report.js';
import { allScenarios } from '../../benchmarks/scenarios/all.js';
import { planOf, runPlan } from '../../benchmarks/session.js';
import { describeWhere } from '../support/machine.js';

const sizes: Sizes = {
  httpConnections: [4],
  wrkConnections: [4],
  httpCloseConnections: 4,
  latency: { connections: 2, rate: 500 },
  bulkLoads: [
    { streams: 1, bothWays: false },
    { streams: 2, bothWays: true },
  ],
  iperf3Streams: [2],
  churnConnections: 4,
  udpLoads: [
    { clients: 2, active: 2, inFlight: 2, bytes: 64 },
    { clients: 4, active: 2, inFlight: 1, bytes: 64 },
    { clients: 2, active: 2, inFlight: 4, bytes: 64, together: true },
  ],
  idleFlows: 20,
  mappings: [1, 10],
};
const pace = { rounds: 1, seconds: 0.2, warmUpSeconds: 0 };
const nothing = () => undefined;
const hasProxy = (subject: string) => allPeers.some(({ name, kind }) => name === subject && kind !== 'none');

/** These show that every peer starts and carries, TCP and UDP; elsewhere two are enough to show that a scenario works. */
const everyPeersScenarios = ['start', 'udp'];
const fewPeers = ['direct', 'sluice-splice'];

afterAll(killLeftovers);

for (const scenario of allScenarios) {
  const missing = scenario.missing();
  const peers = allPeers.filter(
    ({ name }: Peer) => everyPeersScenarios.includes(scenario.name) || fewPeers.includes(name),
  );
  describeWhere(missing === undefined, missing ?? '', `the scenario ${scenario.name}`, () => {
    it('measures every peer that is there', async () => {
      const plan = planOf([scenario], peers, sizes);
      const shown: WorkReport[] = [];
      const results = await runPlan(plan, pace, nothing, (result) => shown.push(result));
      expect(results.flatMap(({ failures }) => failures)).toEqual([]);
      for (const { figures, subjects, rounds } of results) {
        expect(subjects.length).toBeGreaterThanOrEqual(1);
        expect(rounds.map(({ subject }) => subject).sort()).toEqual([...subjects].sort());
        for (const { subject, measured } of rounds) {
          if (hasProxy(subject)) expect(measured['cpu']).toEqual(expect.any(Number));
          expect(measured[figures[0].key]).toEqual(expect.any(Number));
        }
      }
      expect(shown).toEqual(results);
    }, 30_000);
  });
}

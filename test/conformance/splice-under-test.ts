/** The splice engine, as the conformance suite and its own tests drive it. */
import { fixedShards } from '../../src/engine/shard-plan.js';
import { SharedClock } from '../../src/engine/splice/shared-clock.js';
import { SpliceEngine } from '../../src/engine/splice/splice-engine.js';
import type { SpliceListener } from '../../src/engine/splice/splice-listener.js';
import { TcpFlowCounts } from '../../src/engine/splice/tcp-flow-counts.js';
import { descriptorBinder } from '../../src/listener/descriptor-binder.js';
import type { EngineUnderTest } from './rig.js';

export const spliceEngine = (
  threads: number,
  shards = fixedShards(threads),
  tcpFlows = new TcpFlowCounts(),
): EngineUnderTest<SpliceListener> => ({
  name: 'splice',
  atFlowLimit: 'waits',
  lines: Math.max(1, threads),
  binder: descriptorBinder(),
  create: (options, { heldClock }) => {
    const clock = new SharedClock();
    let nowMs = 1_000;
    if (heldClock) clock.holdAt(nowMs);
    const engine = new SpliceEngine({ ...options, clock, shards, tcpFlows });
    const advance = async (ms: number) => {
      nowMs += ms;
      clock.holdAt(nowMs);
      await engine.tick();
    };
    return { engine, clock: { advance } };
  },
});

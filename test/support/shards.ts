/** Shards without an engine, whose turns the test gives them. */
import { closeOwned, ownedDescriptors } from '../../src/engine/splice/owned-descriptors.js';
import { Shard } from '../../src/engine/splice/shard.js';
import type { Report, ShardSetup } from '../../src/engine/splice/shard-messages.js';
import { SharedClock } from '../../src/engine/splice/shared-clock.js';
import { TcpFlowCounts } from '../../src/engine/splice/tcp-flow-counts.js';
import type { Scope } from './scope.js';

/** Freed, with all that it still has, after the test. */
export function startShard(
  scope: Scope,
  report: (report: Report) => void = () => undefined,
  setup: Partial<ShardSetup> = {},
): Shard {
  const owned = ownedDescriptors();
  const shard = new Shard(
    {
      clock: new SharedClock().memory,
      owned,
      share: { maxFlows: 10, maxPipes: 10 },
      tcpFlowCounts: new TcpFlowCounts().memory,
      place: 0,
      reportEnds: false,
      ...setup,
    },
    report,
  );
  scope.onEnd(() => {
    shard.free();
    closeOwned(owned);
  });
  return shard;
}

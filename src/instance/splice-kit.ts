import type { ShardPlan } from '../engine/shard-plan.js';
import { SpliceEngine } from '../engine/splice/splice-engine.js';
import { hasMainLoop, layoutsOf } from '../engine/splice/supported.js';
import { descriptorAdopter } from '../listener/descriptor-adopter.js';
import { descriptorBinder } from '../listener/descriptor-binder.js';
import type { EngineKit } from './engine-kit.js';

/**
 * @param shards on the main thread only where Node lets it
 * @throws Error where this machine lacks what the engine takes
 */
export function spliceKit(shards: ShardPlan): EngineKit {
  layoutsOf();
  const kit: EngineKit<Parameters<InstanceType<typeof SpliceEngine>['serve']>[0]> = {
    name: 'splice',
    fallback: undefined,
    entersNamespaces: true,
    binder: descriptorBinder(),
    adopt: (...asked) => descriptorAdopter()(...asked),
    create: (options) =>
      new SpliceEngine({
        ...options,
        shards: hasMainLoop() ? shards : { ...shards, threads: Math.max(1, shards.threads) },
      }),
  };
  return kit as EngineKit;
}

import { systemClock } from '../engine/clock.js';
import { StreamEngine } from '../engine/stream/stream-engine.js';
import { nodeAdopt, nodeBinder } from '../listener/node-binder.js';
import type { EngineKit } from './engine-kit.js';

export function streamKit(fallback: string | undefined): EngineKit {
  const kit: EngineKit<Parameters<InstanceType<typeof StreamEngine>['serve']>[0]> = {
    name: 'stream',
    fallback,
    entersNamespaces: false,
    binder: nodeBinder,
    adopt: nodeAdopt,
    create: (options) => new StreamEngine({ ...options, clock: systemClock }),
  };
  return kit as EngineKit;
}

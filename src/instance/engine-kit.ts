import { systemClock } from '../engine/clock.js';
import type { Engine, EngineOptions, Listener } from '../engine/engine.js';
import { StreamEngine } from '../engine/stream/stream-engine.js';
import type { StreamListener } from '../engine/stream/stream-listener.js';
import type { Binder } from '../listener/binder.js';
import { nodeBinder } from '../listener/node-binder.js';
import type { EngineChoice } from './engine-choice.js';

/** An engine with the binder that makes its kind of listener. */
export interface EngineKit<L extends Listener> {
  readonly binder: Binder<L>;
  create(options: Omit<EngineOptions, 'clock'>): Engine<L>;
}

export function engineKit(_choice: EngineChoice): EngineKit<StreamListener> {
  return { binder: nodeBinder, create: (options) => new StreamEngine({ ...options, clock: systemClock }) };
}

/** Chooses an engine, and brings it together with the binder that makes its kind of listener. */
import type { Engine, EngineName, EngineOptions, Listener } from '../engine/engine.js';
import { messageOf, SluiceError } from '../errors.js';
import type { Binder } from '../listener/binder.js';
import type { EngineChoice } from './engine-choice.js';

export interface EngineKit<L extends Listener = Listener> {
  readonly name: EngineName;
  /** Why it is not the fastest one, where that one was wanted and cannot run here. */
  readonly fallback: string | undefined;
  readonly binder: Binder<L>;
  create(options: Omit<EngineOptions, 'clock'>): Engine<L>;
}

/**
 * Opens the engine asked for; `auto` is splice where the machine has what it takes, else stream.
 *
 * @throws SluiceError SLUICE_ENGINE_UNAVAILABLE where splice was asked for by name and cannot run here
 */
export async function openEngineKit(choice: EngineChoice, shards: number): Promise<EngineKit> {
  if (choice === 'stream') return streamKit(undefined);
  try {
    return await spliceKit(shards);
  } catch (error) {
    if (choice === 'auto') return streamKit(firstLine(error));
    throw new SluiceError(
      'SLUICE_ENGINE_UNAVAILABLE',
      `the splice engine cannot run here: ${firstLine(error)}; use --engine auto or stream`,
      { cause: error },
    );
  }
}

async function spliceKit(shards: number): Promise<EngineKit> {
  const [{ SpliceEngine }, { descriptorBinder }, { layoutsOf, canWakeMainLoop }] = await Promise.all([
    import('../engine/splice/splice-engine.js'),
    import('../listener/descriptor-binder.js'),
    import('../engine/splice/supported.js'),
  ]);
  layoutsOf();
  const kit: EngineKit<Parameters<InstanceType<typeof SpliceEngine>['serve']>[0]> = {
    name: 'splice',
    fallback: undefined,
    binder: descriptorBinder(),
    create: (options) =>
      new SpliceEngine({ ...options, shards: shards === 0 && !canWakeMainLoop() ? 1 : shards }),
  };
  return kit as EngineKit;
}

async function streamKit(fallback: string | undefined): Promise<EngineKit> {
  const [{ StreamEngine }, { nodeBinder }, { systemClock }] = await Promise.all([
    import('../engine/stream/stream-engine.js'),
    import('../listener/node-binder.js'),
    import('../engine/clock.js'),
  ]);
  const kit: EngineKit<Parameters<InstanceType<typeof StreamEngine>['serve']>[0]> = {
    name: 'stream',
    fallback,
    binder: nodeBinder,
    create: (options) => new StreamEngine({ ...options, clock: systemClock }),
  };
  return kit as EngineKit;
}

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

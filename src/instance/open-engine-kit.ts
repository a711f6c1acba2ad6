import type { ShardPlan } from '../engine/shard-plan.js';
import { messageOf, SluiceError } from '../errors.js';
import type { EngineChoice } from './engine-choice.js';
import type { EngineKit } from './engine-kit.js';

/**
 * Opens the engine asked for; `auto` is splice where the machine has what it takes, else stream. Only the code of the one
 * that is opened is run.
 *
 * @param shards of the splice engine
 * @throws SluiceError SLUICE_ENGINE_UNAVAILABLE where splice was asked for by name and cannot run here
 */
export async function openEngineKit(choice: EngineChoice, shards: ShardPlan): Promise<EngineKit> {
  if (choice === 'stream') return openStreamKit(undefined);
  try {
    const { spliceKit } = await import('./splice-kit.js');
    return spliceKit(shards);
  } catch (error) {
    const why = messageOf(error).split('\n', 1)[0] ?? '';
    if (choice === 'auto') return openStreamKit(why);
    throw new SluiceError(
      'SLUICE_ENGINE_UNAVAILABLE',
      `the splice engine cannot run here: ${why}; use --engine auto or stream`,
      { cause: error },
    );
  }
}

async function openStreamKit(fallback: string | undefined): Promise<EngineKit> {
  const { streamKit } = await import('./stream-kit.js');
  return streamKit(fallback);
}

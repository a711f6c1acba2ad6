/** `sluice stop`: ends instances as SIGTERM does, and waits until they have ended. */
import type { InstanceClient } from '../admin/client.js';
import { instanceNamed } from '../admin/instances.js';
import { SluiceError } from '../errors.js';
import { printAnswer } from './print-answer.js';
import { durationText } from './time-option.js';

/** Prints each name when it has ended, as `docker stop` does. */
export async function stop(names: readonly string[], time: string | undefined): Promise<void> {
  const grace = durationText('--time', time);
  // All are found before one is stopped: a slip of the pen stops none.
  const instances = await Promise.all(names.map((name) => instanceNamed(name)));
  await Promise.all(
    instances.map(async (instance) => {
      await stopped(instance, grace);
      printAnswer(`${instance.name}\n`);
    }),
  );
}

/** One that ended meanwhile, by a signal or another stop, has ended. */
async function stopped(instance: InstanceClient, grace: string | undefined): Promise<void> {
  try {
    await instance.stop(grace);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'SLUICE_NO_INSTANCE') throw error;
  }
}

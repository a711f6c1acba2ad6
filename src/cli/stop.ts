/** `sluice stop`: ends instances as SIGTERM does, and waits until they have ended. */
import type { InstanceClient } from '../admin/client.js';
import { instanceNamed } from '../admin/instances.js';
import { messageOf, SluiceError } from '../errors.js';
import { printAnswer } from './print-answer.js';
import { durationText } from './time-option.js';

/** Prints each name when it has ended, as `docker stop` does. */
export async function stop(names: readonly string[], time: string | undefined): Promise<void> {
  const grace = durationText('--time', time);
  const instances = await instancesNamed(names);
  await Promise.all(
    instances.map(async (instance) => {
      await stopped(instance, grace);
      printAnswer(`${instance.name}\n`);
    }),
  );
}

/** All are found before one is stopped: a slip of the pen stops none. */
async function instancesNamed(names: readonly string[]): Promise<InstanceClient[]> {
  const found = await Promise.allSettled([...new Set(names)].map((name) => instanceNamed(name)));
  const errors = found.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  const other = errors.find((error) => !isUnknown(error));
  if (other !== undefined || errors.length === 1) throw other ?? errors[0];
  if (errors.length > 1) {
    throw new SluiceError(
      'SLUICE_NO_INSTANCE',
      `${errors.length} names are no instance's: nothing is stopped`,
      {
        cause: errors[0],
        faults: errors.map(messageOf),
      },
    );
  }
  return found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

/** One that ended meanwhile, by a signal or another stop, has ended. */
async function stopped(instance: InstanceClient, grace: string | undefined): Promise<void> {
  try {
    await instance.stop(grace);
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SLUICE_NO_INSTANCE';
}

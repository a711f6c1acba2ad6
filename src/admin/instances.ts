/** The instances of this user that run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closestMatch } from 'leven';
import { choices, errnoOf, printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { InstanceClient } from './client.js';
import { isDead, removeSocket, socketsIn } from './instance-folder.js';
import { refuseShared, runtimeFolder, unusable } from './runtime-folder.js';

/**
 * In the order of their names. What processes that are gone have left behind is cleaned up on the way.
 *
 * @throws SluiceError where the runtime folder is not this user's, or cannot be read
 */
export async function runningInstances(): Promise<InstanceClient[]> {
  const runtime = runtimeFolder();
  const found = await Promise.all(instanceNames().map((name) => openInstance(runtime, name)));
  return found.flat();
}

/** Their names, those of processes that were killed among them. */
function instanceNames(): string[] {
  const runtime = runtimeFolder();
  try {
    refuseShared(runtime);
    return readdirSync(runtime)
      .filter((name) => !name.startsWith('.') && socketsIn(join(runtime, name)).length > 0)
      .sort();
  } catch (error) {
    // Nobody has made it yet.
    if (errnoOf(error) === 'ENOENT') return [];
    if (error instanceof SluiceError) throw error;
    throw unusable(runtime, error);
  }
}

/**
 * The instance of this name, for what changes it: once `web` has ended, `web` must not mean `web-2`.
 *
 * @throws SluiceError SLUICE_NO_INSTANCE, with those that there are
 */
export async function instanceNamed(asked: string): Promise<InstanceClient> {
  const running = await runningInstances();
  const exact = running.find(({ name }) => name === asked);
  if (exact === undefined) throw noInstance(asked, running);
  return exact;
}

/**
 * The instance of this name, or the one whose name begins so, for what only looks at it.
 *
 * @throws SluiceError SLUICE_NO_INSTANCE, with those that there are
 */
export async function findInstance(asked: string): Promise<InstanceClient> {
  const running = await runningInstances();
  const exact = running.find(({ name }) => name === asked);
  if (exact !== undefined) return exact;
  const fitting = asked === '' ? [] : running.filter(({ name }) => name.startsWith(asked));
  const [first] = fitting;
  if (first !== undefined && fitting.length === 1) return first;
  if (first === undefined) throw noInstance(asked, running);
  const names = fitting.map(({ name }) => name);
  throw new SluiceError(
    'SLUICE_NO_INSTANCE',
    `${printable(asked)} may be any of ${choices(names, limits.choicesTold)}: say more of it`,
  );
}

async function openInstance(runtime: string, name: string): Promise<InstanceClient[]> {
  const folder = join(runtime, name);
  for (const { path } of socketsIn(folder)) {
    if (!(await isDead(path))) return [new InstanceClient(name, path)];
    removeSocket(path, folder);
  }
  return [];
}

function noInstance(asked: string, running: readonly InstanceClient[]): SluiceError {
  const names = running.map(({ name }) => name);
  const what = `no instance is called ${printable(JSON.stringify(asked))}`;
  if (names.length === 0) {
    return new SluiceError('SLUICE_NO_INSTANCE', `${what}: none runs (looked in ${runtimeFolder()})`);
  }
  const nearest = closestMatch(asked, [...names], { maxDistance: Math.ceil(asked.length / 2) });
  const hint = nearest === undefined ? '' : `, did you mean ${nearest}?`;
  return new SluiceError(
    'SLUICE_NO_INSTANCE',
    `${what}${hint} (running: ${choices(names, limits.choicesTold)})`,
  );
}

/**
 * A bare word: a container where Docker knows it when the target is opened, a DNS name otherwise. Where there is no
 * Docker it is a DNS name at once.
 */
import { findDocker, isDockerThere } from '../docker/endpoint.js';
import { type ErrorCode, errnoOf, SluiceError } from '../errors.js';
import { type NameService, openDnsTarget, systemNames } from './dns-target.js';
import type { Target, TargetEvents } from './target.js';

/**
 * @throws SluiceError where it is a container that cannot be led to, and where neither Docker nor DNS knows a word that
 *   has no dot: a container was meant then
 */
export async function openNameTarget(
  name: string,
  events: TargetEvents,
  names: NameService = systemNames,
  docker = findDocker(),
): Promise<Target> {
  if (!isDockerThere(docker)) return openDnsTarget(name, events, names);
  const { openDockerTarget } = await import('./docker-target.js');
  try {
    return await openDockerTarget({ kind: 'docker', container: name, network: undefined }, events, docker);
  } catch (error) {
    if (!(error instanceof SluiceError) || !meansNoContainer.has(error.code)) throw error;
    return name.includes('.') ? openDnsTarget(name, events, names) : openWord(name, events, names, error);
  }
}

/** Docker knows of none, or cannot be asked; any other refusal is of a container that is there. */
const meansNoContainer: ReadonlySet<ErrorCode> = new Set([
  'SLUICE_NO_SUCH_CONTAINER',
  'SLUICE_DOCKER_DENIED',
  'SLUICE_DOCKER_UNAVAILABLE',
]);

/** DNS has the last word; what it says is told together with what Docker said. */
async function openWord(
  name: string,
  events: TargetEvents,
  names: NameService,
  noContainer: SluiceError,
): Promise<Target> {
  let isUnknown = false;
  let troubles: string[] | undefined = [];
  const target = await openDnsTarget(
    name,
    {
      ...events,
      trouble: (message) => (troubles === undefined ? events.trouble(message) : troubles.push(message)),
    },
    {
      ...names,
      lookUp: async (asked) => {
        try {
          return await names.lookUp(asked);
        } catch (error) {
          isUnknown = errnoOf(error) === 'ENOTFOUND';
          throw error;
        }
      },
    },
  );
  const [trouble] = troubles;
  troubles = undefined;
  if (isUnknown && target.state().hosts.length === 0) {
    target.close();
    const why = `${noContainer.message}; nor does DNS know the name, which dns:${name} would wait for`;
    throw new SluiceError(noContainer.code, why, { cause: noContainer });
  }
  if (trouble !== undefined) events.trouble(`${noContainer.message}; ${trouble}`);
  return target;
}

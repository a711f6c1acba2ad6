/** Which published mappings are meant by what a user says of them. */
import { everyIpv4 } from '../address/ip.js';
import { choices, messageOf, printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import {
  defaultFlowOptions,
  expandSpec,
  formatTargetPort,
  type Mapping,
  writePort,
} from '../publish/mapping.js';
import { formatPublishSpec, type PublishSpec } from '../publish/publish-spec.js';
import type { Published } from './published.js';

/**
 * The mappings that specs mean: `80` is the one that leads to port 80/tcp, `8080:80` that of host port 8080.
 *
 * @throws SluiceError SLUICE_NOT_PUBLISHED where a spec means none, or more than one
 */
export function selectPublished(all: readonly Published[], specs: readonly PublishSpec[]): Set<Published> {
  const selected = new Set<Published>();
  for (const spec of specs) {
    for (const wanted of expand(spec)) selected.add(selectOne(all, wanted));
  }
  return selected;
}

/** Only their ports are looked at. */
function expand(spec: PublishSpec): Mapping[] {
  try {
    return expandSpec(spec, {
      name: '',
      in: undefined,
      target: { kind: 'ip', ip: everyIpv4 },
      options: defaultFlowOptions,
    });
  } catch (error) {
    throw notPublished(`${formatPublishSpec(spec)} is not published: ${messageOf(error)}`, error);
  }
}

function selectOne(all: readonly Published[], wanted: Mapping): Published {
  const fitting = all.filter((published) => fits(published, wanted));
  const [first] = fitting;
  if (first !== undefined && fitting.length === 1) return first;
  const asked = printable(writePort(wanted));
  if (first === undefined) {
    const known = [...new Set(all.map(({ mapping }) => formatTargetPort(mapping)))];
    throw notPublished(`${asked} is not published; what is: ${choices(known, limits.choicesTold)}`);
  }
  const bounds = fitting.map(({ bound }) => writePort(bound));
  throw notPublished(
    `${asked} is published ${fitting.length} times; say which with its host port: ${choices(bounds, limits.choicesTold)}`,
  );
}

function fits({ mapping, services }: Published, wanted: Mapping): boolean {
  if (mapping.protocol !== wanted.protocol || mapping.targetPort !== wanted.targetPort) return false;
  if (
    wanted.hostIp !== undefined &&
    !services.some(({ endpoint }) => endpoint.ip.text === wanted.hostIp?.text)
  ) {
    return false;
  }
  const { hostPort } = wanted;
  if (hostPort.kind === 'free') return true;
  const [lowest, highest] =
    hostPort.kind === 'fixed' ? [hostPort.port, hostPort.port] : [hostPort.first, hostPort.last];
  return services.some(({ endpoint }) => endpoint.port >= lowest && endpoint.port <= highest);
}

function notPublished(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_NOT_PUBLISHED', message, { cause });
}

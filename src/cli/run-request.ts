/** The options of `sluice run` -> what to publish. */
import { basename } from 'node:path';
import { fixedShards, type ShardPlan, shardsAsNeeded } from '../engine/shard-plan.js';
import { messageOf, printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { parseDuration } from '../publish/duration.js';
import { parseListenNamespace } from '../publish/listen-namespace.js';
import {
  defaultFlowOptions,
  expandSpec,
  type FlowOptions,
  formatTargetPort,
  type Mapping,
  type MappingBase,
} from '../publish/mapping.js';
import { instanceNameAllowed, isInstanceName, toInstanceName } from '../publish/name.js';
import { parsePublishSpec } from '../publish/publish-spec.js';
import {
  containerIn,
  formatTarget,
  onNetwork,
  parseTarget,
  type TargetSpec,
  targetName,
} from '../publish/target-spec.js';
import type { RunOptions } from './run-options.js';

export interface RunRequest {
  /** What the instance is called. */
  readonly name: string;
  readonly mappings: readonly Mapping[];
  readonly drainTimeoutMs: number;
  /** Of the splice engine. */
  readonly shards: ShardPlan;
}

/** @throws SluiceError SLUICE_USAGE that names the option, or what is wrong with the mapping file */
export async function readRunRequest(options: RunOptions): Promise<RunRequest> {
  const drainTimeoutMs = durationOption('--drain-timeout', options.drainTimeout);
  const shards = shardPlan(options.shards);
  if (options.name !== undefined && !isInstanceName(options.name)) {
    throw usage(`--name ${printable(JSON.stringify(options.name))}: it must be ${instanceNameAllowed}`);
  }
  if (options.config !== undefined) {
    refuseBesideConfig(options);
    const { readMappingFile } = await import('./read-mapping-file.js');
    const file = readMappingFile(options.config);
    return {
      name: options.name ?? file.name ?? toInstanceName(basename(options.config, '.json')),
      mappings: file.mappings,
      drainTimeoutMs,
      shards,
    };
  }
  if (options.target === undefined) {
    throw usage(
      'nowhere to lead to: give a target, as in sluice run -p 8080:80 172.17.0.2, or --config FILE',
    );
  }
  const { publish = [], publishAll } = options;
  if (publish.length === 0 && !publishAll) {
    throw usage(`no port to publish: add -p, as in sluice run -p 8080:80 ${options.target}`);
  }
  const target = targetOf(options.target, options.network);
  const inside = options.in;
  const base = {
    name: options.name ?? targetName(target),
    in: inside === undefined ? undefined : asUsage(() => parseListenNamespace(inside), '--in: '),
    target,
    options: flowOptions(options),
  };
  const mappings = publish.flatMap((text) =>
    asUsage(() => expandSpec(parsePublishSpec(text), base), `-p ${text}: `),
  );
  if (publishAll) mappings.push(...(await exposedMappings(base, mappings)));
  return { name: toInstanceName(base.name), mappings, drainTimeoutMs, shards };
}

function targetOf(text: string, network: string | undefined): TargetSpec {
  const target = asUsage(() => parseTarget(text));
  return network === undefined ? target : asUsage(() => onNetwork(target, network), '--network: ');
}

/** What the container exposes, less what was published by name: as docker run has it of -P and -p. */
async function exposedMappings(base: MappingBase, named: readonly Mapping[]): Promise<Mapping[]> {
  const container = containerIn(base.target);
  if (container === undefined) {
    throw usage(
      `-P: ${formatTarget(base.target)} is no container, and only a container exposes ports: use -p`,
    );
  }
  const { exposedPorts } = await import('../docker/docker.js');
  const hostPorts = { first: limits.publishAllFirst, last: limits.publishAllLast };
  const taken = new Set(named.map(formatTargetPort));
  const exposed = (await exposedPorts(container)).filter(
    ({ port, protocol }) => !taken.has(`${port}/${protocol}`),
  );
  // SCTP is refused where it is all that there is.
  const forwarded = exposed.filter(({ protocol }) => protocol !== 'sctp');
  return (forwarded.length > 0 ? forwarded : exposed).flatMap(({ port, protocol }) =>
    expandSpec({ protocol, hostIp: undefined, hostPorts, containerPorts: { first: port, last: port } }, base),
  );
}

function flowOptions(options: RunOptions): FlowOptions {
  const { connectTimeout, wait, idleTimeout, udpTimeout, maxFlows } = options;
  return {
    connectTimeoutMs:
      positiveDuration('--connect-timeout', connectTimeout) ?? defaultFlowOptions.connectTimeoutMs,
    waitMs: wait === undefined ? defaultFlowOptions.waitMs : durationOption('--wait', wait),
    idleTimeoutMs:
      idleTimeout === undefined ? undefined : durationOption('--idle-timeout', idleTimeout) || undefined,
    udpTimeoutMs: positiveDuration('--udp-timeout', udpTimeout) ?? defaultFlowOptions.udpTimeoutMs,
    maxFlows:
      maxFlows === undefined
        ? defaultFlowOptions.maxFlows
        : wholeNumber('--max-flows', maxFlows, 1, limits.flowsMost),
  };
}

/** In a mapping file these stand at each mapping. */
function refuseBesideConfig(options: RunOptions): void {
  const beside = {
    'a target': options.target,
    '-p': options.publish,
    '--in': options.in,
    '-P': options.publishAll ? true : undefined,
    '--network': options.network,
    '--connect-timeout': options.connectTimeout,
    '--wait': options.wait,
    '--idle-timeout': options.idleTimeout,
    '--udp-timeout': options.udpTimeout,
    '--max-flows': options.maxFlows,
  };
  for (const [option, value] of Object.entries(beside)) {
    if (value === undefined) continue;
    throw usage(`${option} cannot be given with --config: the mapping file says what is published, and how`);
  }
}

function durationOption(option: string, text: string): number {
  return asUsage(() => parseDuration(text), `${option}: `);
}

function positiveDuration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = durationOption(option, text);
  if (milliseconds === 0) throw usage(`${option} ${text}: it must be longer than 0`);
  return milliseconds;
}

function wholeNumber(option: string, text: string, least: number, most: number, other = ''): number {
  const value = /^\d+$/.test(text) ? Number(text) : -1;
  if (value < least || value > most) {
    throw usage(`${option} ${text}: it must be ${other}a whole number from ${least} to ${most}`);
  }
  return value;
}

function shardPlan(text: string | undefined): ShardPlan {
  if (text === undefined || text === 'auto') return shardsAsNeeded();
  return fixedShards(wholeNumber('--shards', text, 0, limits.shardsMost, 'auto, or '));
}

/** A parser's error is about the command line here. */
function asUsage<T>(parse: () => T, place = ''): T {
  try {
    return parse();
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', place + messageOf(error), { cause: error });
  }
}

function usage(message: string): SluiceError {
  return new SluiceError('SLUICE_USAGE', message);
}

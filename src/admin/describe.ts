/** An instance's picture as the control socket tells it: plain data, in the mapping file's and the log's key names. */
import type { InstancePicture, PublishedPicture } from '../instance/picture.js';
import { flowsOf, writeCounters } from '../metrics/counters.js';
import { formatPublished } from '../publish/mapping.js';
import { formatTarget, targetName } from '../publish/target-spec.js';
import { writeFlowOptions, writePlaces } from '../publish/write-mapping-file.js';
import { version } from '../version.js';

export interface MappingDescription {
  readonly mapping: string;
  readonly to: string;
  readonly network?: string;
  readonly in?: string;
  readonly protocol: string;
  /** "" is every address. */
  readonly host_ip: string;
  /** As it was asked for: "" is a free port, "8000-8010" a pool. */
  readonly published: string;
  readonly target: number;
  /** What is bound. */
  readonly listeners: readonly { readonly ip: string; readonly port: number }[];
  readonly at_run_time: boolean;
  readonly draining: boolean;
  /** In progress. */
  readonly flows: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  /** By reason; null where ends are not told of. */
  readonly ends: Readonly<Record<string, number>> | null;
  readonly options: Readonly<Record<string, string | number>>;
  readonly counters: Readonly<Record<string, number>>;
}

export interface TargetDescription {
  readonly to: string;
  readonly addresses: readonly string[];
  /** It is absent or has only just come: flows wait for it, and refused dials are tried again. */
  readonly settling: boolean;
}

export interface InstanceDescription {
  readonly name: string;
  readonly pid: number;
  readonly version: string;
  /** `up`, `stopping`, or which targets are being waited for. */
  readonly status: string;
  readonly started: string;
  readonly uptime_ms: number;
  readonly engine: string;
  /** Why it is not the fastest engine, where that one was wanted. */
  readonly fallback: string | null;
  readonly access_log: boolean;
  readonly flows: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly targets: readonly TargetDescription[];
  readonly mappings: readonly MappingDescription[];
}

export function describeInstance(name: string, picture: InstancePicture): InstanceDescription {
  const mappings = picture.published.map(describeMapping);
  const sum = (count: (mapping: MappingDescription) => number) =>
    mappings.reduce((total, mapping) => total + count(mapping), 0);
  return {
    name,
    pid: process.pid,
    version,
    status: statusOf(picture),
    started: new Date(picture.startedMs).toISOString(),
    uptime_ms: Math.max(0, Date.now() - picture.startedMs),
    engine: picture.engine,
    fallback: picture.fallback ?? null,
    access_log: picture.accessLog,
    flows: sum(({ flows }) => flows),
    bytes_in: sum(({ bytes_in }) => bytes_in),
    bytes_out: sum(({ bytes_out }) => bytes_out),
    targets: picture.targets.map(({ spec, state }) => ({
      to: formatTarget(spec),
      addresses: state.hosts.map((host) => (host.kind === 'unix' ? host.path : host.ip.text)),
      settling: state.settling,
    })),
    mappings,
  };
}

function describeMapping(published: PublishedPicture): MappingDescription {
  const { mapping, counters } = published;
  return {
    mapping: mapping.name,
    ...writePlaces(mapping),
    protocol: mapping.protocol,
    host_ip: mapping.hostIp?.text ?? '',
    published: formatPublished(mapping.hostPort),
    target: mapping.targetPort,
    listeners: published.endpoints.map(({ ip, port }) => ({ ip: ip.text, port })),
    at_run_time: published.atRunTime,
    draining: published.draining,
    flows: flowsOf(counters),
    bytes_in: counters.bytesIn,
    bytes_out: counters.bytesOut,
    ends: published.ends ?? null,
    options: writeFlowOptions(mapping.options),
    counters: writeCounters(counters),
  };
}

/** A target is waited for while it has no address; one that has just come has one, even if it does not listen yet. */
function statusOf({ stopping, targets }: InstancePicture): string {
  if (stopping) return 'stopping';
  const absent = targets.filter(({ state }) => state.hosts.length === 0);
  const [first] = absent;
  if (first === undefined) return 'up';
  if (absent.length === 1) return `waiting for ${targetName(first.spec)}`;
  return `waiting for ${absent.length} of ${targets.length} targets`;
}

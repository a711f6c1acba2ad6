import { formatHostPort } from '../address/endpoint.js';
import { everyIpv4, type IpAddress } from '../address/ip.js';
import { formatPortRange, type PortRange, portCount } from '../address/port.js';
import { SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { formatListenNamespace } from './listen-namespace.js';
import type { Protocol } from './protocol.js';
import type { PublishSpec } from './publish-spec.js';
import type { NamespaceSpec, TargetSpec } from './target-spec.js';

/** The times and bounds of a mapping's flows; each has a default in limits.ts. */
export interface FlowOptions {
  readonly connectTimeoutMs: number;
  /** How long a flow waits for a target that is absent; 0: not at all. */
  readonly waitMs: number;
  /** undefined: a TCP flow may be idle for ever. */
  readonly idleTimeoutMs: number | undefined;
  readonly udpTimeoutMs: number;
  readonly maxFlows: number;
}

export const defaultFlowOptions: FlowOptions = {
  connectTimeoutMs: limits.connectTimeoutMs,
  waitMs: limits.waitMs,
  idleTimeoutMs: undefined,
  udpTimeoutMs: limits.udpTimeoutMs,
  maxFlows: limits.flowsPerMapping,
};

/** Which host port: one of the kernel's choice, the one asked for, or the first free one of a pool. */
export type HostPort =
  | { readonly kind: 'free' }
  | { readonly kind: 'fixed'; readonly port: number }
  | ({ readonly kind: 'pool' } & PortRange);

/** One published port. */
export interface Mapping {
  /** The name its owner gave, or the one of its target: `web` for `docker:web`; several ports share it. */
  readonly name: string;
  readonly protocol: Protocol;
  /** undefined: every address of the host, by one listener for IPv4 and one for IPv6. */
  readonly hostIp: IpAddress | undefined;
  readonly hostPort: HostPort;
  /** The network namespace it listens in; undefined: sluice's own. */
  readonly in: NamespaceSpec | undefined;
  readonly target: TargetSpec;
  /** The port at the target; for a unix socket only a label. */
  readonly targetPort: number;
  readonly options: FlowOptions;
}

/** What the mappings of one target have in common. */
export type MappingBase = Pick<Mapping, 'name' | 'in' | 'target' | 'options'>;

/**
 * The mappings a publish spec stands for, one a container port.
 *
 * @throws SluiceError SLUICE_UNSUPPORTED_PROTOCOL for SCTP, and for UDP to a unix socket
 */
export function expandSpec(spec: PublishSpec, base: MappingBase): Mapping[] {
  const { protocol, hostIp, hostPorts, containerPorts } = spec;
  if (protocol === 'sctp') {
    throw unsupported('unsupported protocol sctp: sluice forwards tcp and udp');
  }
  if (protocol === 'udp' && base.target.kind === 'unix') {
    throw unsupported('a unix socket takes tcp only, not udp');
  }
  return Array.from({ length: portCount(containerPorts) }, (_, index) => ({
    ...base,
    protocol,
    hostIp,
    hostPort: hostPortAt(hostPorts, containerPorts, index),
    targetPort: containerPorts.first + index,
  }));
}

function hostPortAt(hostPorts: PortRange | undefined, containerPorts: PortRange, index: number): HostPort {
  if (hostPorts === undefined) return { kind: 'free' };
  if (portCount(containerPorts) < portCount(hostPorts)) return { kind: 'pool', ...hostPorts };
  return { kind: 'fixed', port: hostPorts.first + index };
}

/** `80/tcp`, as Docker names a container's port. */
export function formatTargetPort(mapping: Pick<Mapping, 'protocol' | 'targetPort'>): string {
  return `${mapping.targetPort}/${mapping.protocol}`;
}

/** `8080`, `8000-8010`, or nothing for a free port: the mapping file's `published`. */
export function formatPublished(hostPort: HostPort): string {
  if (hostPort.kind === 'free') return '';
  return hostPort.kind === 'fixed' ? String(hostPort.port) : formatPortRange(hostPort);
}

/** `0.0.0.0:8080`: what Docker would name in an error about this mapping's host side. */
export function formatHostSide({ hostIp, hostPort }: Pick<Mapping, 'hostIp' | 'hostPort'>): string {
  return formatHostPort(hostIp ?? everyIpv4, formatPublished(hostPort) || '0');
}

/** ` inside web`, or nothing for sluice's own namespace. */
export function formatInside(mapping: Pick<Mapping, 'in'>): string {
  return mapping.in === undefined ? '' : ` inside ${formatListenNamespace(mapping.in)}`;
}

/** A mapping's ports in Docker's short form: `127.0.0.1:8080:80/tcp`. */
export function writePort(mapping: Pick<Mapping, 'hostIp' | 'hostPort' | 'targetPort' | 'protocol'>): string {
  const port = formatPublished(mapping.hostPort);
  const target = formatTargetPort(mapping);
  if (mapping.hostIp !== undefined) return `${formatHostPort(mapping.hostIp, port)}:${target}`;
  return port === '' ? target : `${port}:${target}`;
}

function unsupported(message: string): SluiceError {
  return new SluiceError('SLUICE_UNSUPPORTED_PROTOCOL', message);
}

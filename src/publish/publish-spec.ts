/**
 * Docker's publish grammar, as `docker run -p` takes it, in its short and its long form. The source of the short
 * one is go-connections' nat.ParsePortSpec, whose error texts these are; of the long one, docker/cli's
 * cli/command/container/opts.go and opts/swarmopts/port.go.
 */
import { formatHostPort } from '../address/endpoint.js';
import { type IpAddress, parseIp } from '../address/ip.js';
import { formatPortRange, type PortRange, parsePortRange, portCount } from '../address/port.js';
import { printable, SluiceError } from '../errors.js';
import { type DockerProtocol, parseProtocol } from './protocol.js';

/** One `-p`. Its two ranges are of equal length, or `containerPorts` is one port and `hostPorts` a pool for it. */
export interface PublishSpec {
  /** undefined: every address of the host, IPv4 and IPv6. */
  readonly hostIp: IpAddress | undefined;
  /** undefined: a free port for each container port. */
  readonly hostPorts: PortRange | undefined;
  readonly containerPorts: PortRange;
  readonly protocol: DockerProtocol;
}

/** The texts of a spec's parts as they were written; an empty one was left out. */
interface SpecParts {
  readonly hostIp: string;
  readonly hostPort: string;
  readonly containerPort: string;
  readonly protocol: string;
}

/**
 * Reads `[hostIp:][hostPort[-end]:]containerPort[-end][/proto]`, or `target=80,published=8080,…`.
 *
 * @throws SluiceError SLUICE_BAD_SPEC, in Docker's words
 */
export function parsePublishSpec(text: string): PublishSpec {
  return buildSpec(text.includes('=') ? longParts(text) : shortParts(text));
}

/** The short form, protocol included: parsing it gives the same value. */
export function formatPublishSpec(spec: PublishSpec): string {
  const hostPort = spec.hostPorts === undefined ? '' : formatPortRange(spec.hostPorts);
  const containerPort = `${formatPortRange(spec.containerPorts)}/${spec.protocol}`;
  if (spec.hostIp !== undefined) return `${formatHostPort(spec.hostIp, hostPort)}:${containerPort}`;
  return hostPort === '' ? containerPort : `${hostPort}:${containerPort}`;
}

function shortParts(text: string): SpecParts {
  const fields = text.split(':');
  const last = fields.pop() ?? '';
  const hostPort = fields.pop() ?? '';
  const slash = last.indexOf('/');
  const containerPort = slash < 0 ? last : last.slice(0, slash);
  const protocol = slash < 0 ? '' : last.slice(slash + 1);
  if (containerPort === '') throw badSpec(`no port specified: ${text}<empty>`);
  return { hostIp: fields.join(':'), hostPort, containerPort, protocol };
}

const longFields = ['target', 'published', 'protocol', 'host_ip'] as const;
type LongField = (typeof longFields)[number];

function longParts(text: string): SpecParts {
  const values = new Map<LongField, string>();
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    if (equals <= 0) {
      throw badSpec(`invalid publish opts format (should be name=value but got '${field}')`);
    }
    const name = field.slice(0, equals).trim();
    const known = longFields.find((candidate) => candidate === name);
    if (known === undefined) throw badSpec(`invalid field key: ${name} (known: ${longFields.join(', ')})`);
    if (values.has(known)) throw badSpec(`field given twice: ${name}`);
    values.set(known, field.slice(equals + 1).trim());
  }
  const containerPort = values.get('target') ?? '';
  if (containerPort === '') throw badSpec("missing mandatory field 'target'");
  return {
    hostIp: values.get('host_ip') ?? '',
    hostPort: values.get('published') ?? '',
    containerPort,
    protocol: values.get('protocol') ?? '',
  };
}

/** Checks the parts in Docker's order, so that of several faults the one Docker would tell is told. */
export function buildSpec(parts: SpecParts): PublishSpec {
  const protocol = parseProtocol(parts.protocol === '' ? 'tcp' : parts.protocol);
  if (protocol === undefined) throw badSpec(`invalid proto: ${parts.protocol.toLowerCase()}`);
  const hostIp = parts.hostIp === '' ? undefined : parseHostIp(parts.hostIp);
  const containerPorts = parsePortRange(parts.containerPort);
  if (containerPorts === undefined || containerPorts.first === 0) {
    throw badSpec(`invalid containerPort: ${parts.containerPort}`);
  }
  const hostPorts = parseHostPorts(parts.hostPort);
  if (hostPorts !== undefined && !lengthsAgree(hostPorts, containerPorts)) {
    throw badSpec(
      `invalid ranges specified for container and host Ports: ${parts.containerPort} and ${parts.hostPort}`,
    );
  }
  return { hostIp, hostPorts, containerPorts, protocol };
}

function parseHostIp(text: string): IpAddress {
  const bracketed = /^\[(.*)\]$/.exec(text);
  const address = bracketed?.[1] ?? text;
  const ip = parseIp(address);
  if (ip === undefined) throw badSpec(`invalid IP address: ${address}`);
  return ip;
}

/** A host port of 0 asks for a free one, as Docker has it; a range cannot start there. */
function parseHostPorts(text: string): PortRange | undefined {
  if (text === '') return undefined;
  const range = parsePortRange(text);
  if (range === undefined || (range.first === 0 && range.last !== 0)) {
    throw badSpec(`invalid hostPort: ${text}`);
  }
  return range.last === 0 ? undefined : range;
}

function lengthsAgree(hostPorts: PortRange, containerPorts: PortRange): boolean {
  return portCount(containerPorts) === 1 || portCount(containerPorts) === portCount(hostPorts);
}

function badSpec(message: string): SluiceError {
  return new SluiceError('SLUICE_BAD_SPEC', printable(message));
}

import { type IpAddress, parseIp } from '../address/ip.js';
import { printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';

/** A network namespace: by the file that stands for it, by a process inside, or by a container's process. */
export type NamespaceSpec =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'container'; readonly container: string };

/** Where a mapping leads, as it was written; src/target turns it into addresses. */
export type TargetSpec =
  | { readonly kind: 'ip'; readonly ip: IpAddress }
  | { readonly kind: 'dns'; readonly name: string }
  /** A container; `network` is the one whose address is meant, where it has several. */
  | { readonly kind: 'docker'; readonly container: string; readonly network: string | undefined }
  /** A container where Docker knows the name when the target is opened, a DNS name otherwise. */
  | { readonly kind: 'name'; readonly name: string }
  /** An address as it is seen inside a namespace. */
  | { readonly kind: 'netns'; readonly namespace: NamespaceSpec; readonly ip: IpAddress }
  | { readonly kind: 'unix'; readonly path: string };

export const namespaceAllowed = '/path, pid:PID or docker:NAME';
export const targetAllowed =
  "an IP address, a container's name or a DNS name (docker:NAME and dns:NAME settle which), unix:/path, " +
  `or [ADDRESS@]netns: with ${namespaceAllowed}`;

/** PATH_MAX holds 4096 bytes, the closing zero among them (linux/limits.h). */
const longestPath = 4095;
/** The kernel's PID_MAX_LIMIT (proc(5), /proc/sys/kernel/pid_max). */
const highestPid = 4_194_304;
/** RFC 1035 section 2.3.4, less the root's dot. */
const longestName = 253;
/** Docker sets no bound; what it makes up itself is far shorter. */
const longestContainerName = 255;
/** RFC 1123 labels, and the underscore that Compose's service names may have. */
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;
/** Docker's own rule (moby daemon/names), which ids and their prefixes meet too. */
const dockerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** What a container's own servers listen on at the least. */
const namespaceLoopback: IpAddress = { family: 4, text: '127.0.0.1' };

/** What a prefix makes of the text behind it; `whole` is for errors. */
type ReadTarget = (text: string, whole: string) => TargetSpec;

const prefixes: Readonly<Record<string, ReadTarget>> = {
  'unix:': (path, whole) => ({ kind: 'unix', path: absolutePath(path, limits.unixPathBytes, whole) }),
  'netns:': (text, whole) => netnsTarget(text, namespaceLoopback, whole),
  'docker:': (text, whole) => ({ kind: 'docker', container: containerName(text, whole), network: undefined }),
  'dns:': (text, whole) => {
    if (!isDnsName(text)) throw badTarget(whole, `${JSON.stringify(text)} is no DNS name`);
    return { kind: 'dns', name: text };
  },
};

/**
 * Reads `172.17.0.2`, `[fd00::2]`, `web`, `docker:web`, `dns:db.internal`, `unix:/run/app.sock`,
 * `netns:pid:4242` or `10.0.0.1@netns:/run/netns/blue`.
 *
 * @throws SluiceError SLUICE_BAD_TARGET
 */
export function parseTarget(text: string): TargetSpec {
  const prefix = Object.keys(prefixes).find((candidate) => text.startsWith(candidate));
  const read = prefix === undefined ? undefined : prefixes[prefix];
  if (prefix !== undefined && read !== undefined) return read(text.slice(prefix.length), text);
  const at = text.indexOf('@netns:');
  if (at >= 0) {
    const ip = bareOrBracketedIp(text.slice(0, at));
    if (ip === undefined) throw badTarget(text, `${JSON.stringify(text.slice(0, at))} is no IP address`);
    return netnsTarget(text.slice(at + '@netns:'.length), ip, text);
  }
  const ip = bareOrBracketedIp(text);
  return ip === undefined ? namedTarget(text) : { kind: 'ip', ip };
}

/**
 * Reads a namespace: `/run/netns/blue`, `pid:4242` or `docker:web`.
 *
 * @throws SluiceError SLUICE_BAD_TARGET
 */
export function parseNamespace(text: string, whole = text): NamespaceSpec {
  if (text.startsWith('/')) return { kind: 'path', path: absolutePath(text, longestPath, whole) };
  if (text.startsWith('docker:')) {
    return { kind: 'container', container: containerName(text.slice('docker:'.length), whole) };
  }
  const pid = /^pid:([1-9]\d{0,6})$/.exec(text)?.[1];
  if (pid !== undefined && Number(pid) <= highestPid) return { kind: 'pid', pid: Number(pid) };
  throw badTarget(whole, `a namespace is ${namespaceAllowed}`);
}

/** As it would be written: parsing it gives the same value, less the network, which is written beside it. */
export function formatTarget(target: TargetSpec): string {
  switch (target.kind) {
    case 'ip':
      return target.ip.text;
    case 'dns':
      return `dns:${target.name}`;
    case 'docker':
      return `docker:${target.container}`;
    case 'name':
      return target.name;
    case 'netns': {
      const address = target.ip.text === namespaceLoopback.text ? '' : `${target.ip.text}@`;
      return `${address}netns:${formatNamespace(target.namespace)}`;
    }
    case 'unix':
      return `unix:${target.path}`;
  }
}

/** As `parseNamespace` reads it. */
export function formatNamespace(namespace: NamespaceSpec): string {
  if (namespace.kind === 'path') return namespace.path;
  return namespace.kind === 'pid' ? `pid:${namespace.pid}` : `docker:${namespace.container}`;
}

/** The container that is meant, where one is: a bare word may be one. */
export function containerIn(target: TargetSpec): string | undefined {
  if (target.kind === 'docker') return target.container;
  if (target.kind === 'name') return target.name;
  return target.kind === 'netns' && target.namespace.kind === 'container'
    ? target.namespace.container
    : undefined;
}

/** What a mapping is called whose owner gave it no name: `web` for `docker:web`. */
export function targetName(target: TargetSpec): string {
  if (target.kind === 'docker') return target.container;
  return target.kind === 'dns' ? target.name : formatTarget(target);
}

/**
 * The target, as its address on this network: a name is a container's then.
 *
 * @throws SluiceError SLUICE_BAD_TARGET where no container is meant
 */
export function onNetwork(target: TargetSpec, network: string): TargetSpec {
  if (!dockerName.test(network)) {
    throw new SluiceError(
      'SLUICE_BAD_TARGET',
      `invalid network ${printable(JSON.stringify(network))}: it must be the name of a Docker network`,
    );
  }
  if (target.kind === 'docker') return { ...target, network };
  if (target.kind === 'name') {
    return { kind: 'docker', container: containerName(target.name, target.name), network };
  }
  throw new SluiceError(
    'SLUICE_BAD_TARGET',
    `a network is one of a container's, and ${printable(formatTarget(target))} is no container`,
  );
}

/** A name that DNS cannot have is a container's. */
function namedTarget(text: string): TargetSpec {
  if (isDnsName(text)) return { kind: 'name', name: text };
  if (!isContainerName(text)) throw badTarget(text);
  if (looksLikeAddress(text)) throw badTarget(text, `docker:${text} where a container is meant`);
  return { kind: 'docker', container: text, network: undefined };
}

function netnsTarget(text: string, ip: IpAddress, whole: string): TargetSpec {
  return { kind: 'netns', namespace: parseNamespace(text, whole), ip };
}

function bareOrBracketedIp(text: string): IpAddress | undefined {
  return parseIp(/^\[(.*)\]$/.exec(text)?.[1] ?? text);
}

function absolutePath(path: string, longest: number, whole: string): string {
  if (!path.startsWith('/')) throw badTarget(whole, 'the path must be absolute');
  if (path.includes('\0')) throw badTarget(whole, 'a path has no zero byte');
  if (Buffer.byteLength(path) > longest) {
    throw badTarget(whole, `the kernel takes paths of at most ${longest} bytes`);
  }
  return path;
}

function containerName(name: string, whole: string): string {
  if (isContainerName(name)) return name;
  throw badTarget(whole, `${JSON.stringify(name)} is no container's name or id`);
}

function isContainerName(text: string): boolean {
  return text.length <= longestContainerName && dockerName.test(text);
}

function isDnsName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length > longestName || endsInNumber(name)) return false;
  return name.split('.').every((part) => label.test(part));
}

/**
 * No top-level domain is a number (RFC 3696), and resolvers take `10.1` for an address; a hexadecimal one too.
 */
function endsInNumber(name: string): boolean {
  return /(^|\.)(\d+|0x[\da-f]*)$/i.test(name);
}

/**
 * `172.17.0.300` and `10.1` are slips of the pen, not names. Twelve digits and more are no IPv4 address in any notation,
 * and may well be a container's id.
 */
function looksLikeAddress(text: string): boolean {
  return /^([\d.]+|0x[\da-f]*)$/i.test(text) && !/^\d{12,}$/.test(text);
}

function badTarget(text: string, why?: string): SluiceError {
  const reason = why === undefined ? '' : ` (${printable(why)})`;
  return new SluiceError(
    'SLUICE_BAD_TARGET',
    `invalid target ${printable(JSON.stringify(text))}${reason}: it must be ${targetAllowed}`,
  );
}

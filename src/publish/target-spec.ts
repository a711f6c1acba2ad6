import { type IpAddress, parseIp } from '../address/ip.js';
import { printable, SluiceError } from '../errors.js';

/** Where a mapping leads, as it was written; src/target turns it into addresses. */
export type TargetSpec =
  | { readonly kind: 'ip'; readonly ip: IpAddress }
  | { readonly kind: 'dns'; readonly name: string }
  | { readonly kind: 'unix'; readonly path: string };

export const targetAllowed = 'an IP address, a DNS name, or unix:/path';

/** sun_path holds 108 bytes and a closing zero (unix(7)). */
const longestUnixPath = 107;
/** RFC 1035 section 2.3.4, less the root's dot. */
const longestName = 253;
/** RFC 1123 labels, and the underscore that Compose's service names may have. */
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/**
 * Reads `172.17.0.2`, `fd00::2`, `[fd00::2]`, `db.internal` or `unix:/run/app.sock`.
 *
 * @throws SluiceError SLUICE_BAD_TARGET
 */
export function parseTarget(text: string): TargetSpec {
  if (text.startsWith('unix:')) return unixTarget(text);
  const bracketed = /^\[(.*)\]$/.exec(text);
  const ip = parseIp(bracketed?.[1] ?? text);
  if (ip !== undefined) return { kind: 'ip', ip };
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (
    name.length > longestName ||
    !name.split('.').every((part) => label.test(part)) ||
    looksLikeIpv4(name)
  ) {
    throw badTarget(text);
  }
  return { kind: 'dns', name: text };
}

/** As it would be written: parsing it gives the same value. */
export function formatTarget(target: TargetSpec): string {
  if (target.kind === 'ip') return target.ip.text;
  return target.kind === 'dns' ? target.name : `unix:${target.path}`;
}

function unixTarget(text: string): TargetSpec {
  const path = text.slice('unix:'.length);
  if (!path.startsWith('/')) throw badTarget(text, 'the path must be absolute');
  if (path.includes('\0')) throw badTarget(text, 'a path has no zero byte');
  if (Buffer.byteLength(path) > longestUnixPath) {
    throw badTarget(text, `the kernel takes paths of at most ${longestUnixPath} bytes`);
  }
  return { kind: 'unix', path };
}

/**
 * `172.17.0.300` and `10.1` are slips of the pen, not names: no top-level domain is a number (RFC 3696). Resolvers take
 * a hexadecimal one for an address too.
 */
function looksLikeIpv4(name: string): boolean {
  return /(^|\.)(\d+|0x[\da-f]*)$/i.test(name);
}

function badTarget(text: string, why?: string): SluiceError {
  const reason = why === undefined ? '' : ` (${why})`;
  return new SluiceError(
    'SLUICE_BAD_TARGET',
    `invalid target ${printable(JSON.stringify(text))}${reason}: it must be ${targetAllowed}`,
  );
}

/**
 * struct sockaddr_in, sockaddr_in6 and sockaddr_un in memory, written and read byte by byte: the fields are in
 * network order whatever the machine's.
 */
import { limits } from '../limits.js';
import { AF_INET, AF_INET6, AF_UNIX } from './socket.js';

/** Room for any of them. */
export const sockaddrBytes = 128;
export const sockaddrInBytes = 16;
export const sockaddrIn6Bytes = 28;
/** Where struct sockaddr_in6 has its scope id. */
export const sockaddrIn6ScopeId = 24;

export interface SocketAddress {
  readonly family: 4 | 6;
  readonly text: string;
  readonly port: number;
}

/** Writes an address and gives its length. An IPv6 zone is an interface's index or name, resolved by the caller. */
export function writeSockaddr(
  memory: Uint8Array,
  offset: number,
  address: SocketAddress,
  scopeId = 0,
): number {
  const view = new DataView(memory.buffer, memory.byteOffset + offset, sockaddrIn6Bytes);
  view.setUint16(2, address.port, false);
  if (address.family === 4) {
    view.setUint16(0, AF_INET, true);
    for (const [index, part] of address.text.split('.').entries()) view.setUint8(4 + index, Number(part));
    view.setFloat64(8, 0);
    return sockaddrInBytes;
  }
  view.setUint16(0, AF_INET6, true);
  view.setUint32(4, 0);
  for (const [index, group] of ipv6Groups(address.text).entries())
    view.setUint16(8 + 2 * index, group, false);
  view.setUint32(sockaddrIn6ScopeId, scopeId, true);
  return sockaddrIn6Bytes;
}

/** Reads an IPv4 or IPv6 address that the kernel wrote. */
export function readSockaddr(memory: Uint8Array, offset: number): SocketAddress {
  const view = new DataView(memory.buffer, memory.byteOffset + offset);
  const port = view.getUint16(2, false);
  if (view.getUint16(0, true) === AF_INET) {
    return { family: 4, text: memory.subarray(offset + 4, offset + 8).join('.'), port };
  }
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(8 + 2 * index, false));
  return { family: 6, text: ipv6Text(groups), port };
}

/** Writes a unix socket's address and gives its length; the path has at most limits.unixPathBytes. */
export function writeSockaddrUn(memory: Uint8Array, offset: number, path: string): number {
  new DataView(memory.buffer, memory.byteOffset + offset).setUint16(0, AF_UNIX, true);
  const room = memory.subarray(offset + 2, offset + 2 + limits.unixPathBytes);
  const { written } = new TextEncoder().encodeInto(path, room);
  memory[offset + 2 + written] = 0;
  return 2 + written + 1;
}

/** The eight groups of a canonical IPv6 text, without its zone. */
export function ipv6Groups(text: string): number[] {
  const [address = ''] = text.split('%');
  const [left = '', right] = address.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  if (right === undefined) return parse(left);
  const [head, tail] = [parse(left), parse(right)];
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** RFC 5952: the longest run of two or more zero groups, the first of equals, is written `::`. */
export function ipv6Text(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

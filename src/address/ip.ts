import ipaddr from 'ipaddr.js';

/** An IP address in its canonical text (RFC 5952 for IPv6). Equal addresses have equal texts. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly text: string;
}

/** The two wildcards, bound apart when a publish spec names no host ip. */
export const everyIpv4: IpAddress = { family: 4, text: '0.0.0.0' };
export const everyIpv6: IpAddress = { family: 6, text: '::' };

/**
 * Reads an IPv4 address in four decimal parts, or an IPv6 address with or without a zone (`fe80::1%eth0`), without
 * brackets. An IPv4-mapped IPv6 address is the IPv4 address, as Go's net.ParseIP has it.
 *
 * @returns undefined where the text is neither
 */
export function parseIp(text: string): IpAddress | undefined {
  if (text.includes(':')) return parseIpv6(text);
  return isFourParts(text) ? { family: 4, text } : undefined;
}

function parseIpv6(text: string): IpAddress | undefined {
  const percent = text.indexOf('%');
  const zone = percent < 0 ? '' : text.slice(percent);
  const address = hexTail(percent < 0 ? text : text.slice(0, percent));
  if (address === undefined || !(zone === '' || isZone(zone.slice(1)))) return undefined;
  if (!ipaddr.IPv6.isValid(address)) return undefined;
  const parsed = ipaddr.IPv6.parse(address);
  if (!parsed.isIPv4MappedAddress()) return { family: 6, text: parsed.toRFC5952String() + zone };
  return zone === '' ? { family: 4, text: parsed.toIPv4Address().toString() } : undefined;
}

/** The name or number of an interface, of at most IFNAMSIZ - 1 characters: `eth0.100` and `br-lan` too. */
const zonePattern = /^[\w.-]{1,15}$/;
/** Of an interface (sin6_scope_id, 32 bits): a greater one would be another interface's. */
const zoneNumberMost = 0xffff_ffff;

function isZone(zone: string): boolean {
  return zonePattern.test(zone) && !(/^\d+$/.test(zone) && Number(zone) > zoneNumberMost);
}

/**
 * An IPv6 address may end in an IPv4 one (RFC 4291 section 2.2): writes that in hexadecimal like the rest. ipaddr.js
 * would take parts in octal and hexadecimal there, and `::1.2.3.4` for an IPv4-mapped address.
 */
function hexTail(address: string): string | undefined {
  if (!address.includes('.')) return address;
  const start = address.lastIndexOf(':') + 1;
  const tail = address.slice(start);
  if (!isFourParts(tail)) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
  return `${address.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** True for `0.0.0.0` and `::`, which stand for every address of their family. */
export function isWildcard(ip: IpAddress): boolean {
  return ip.text === everyIpv4.text || ip.text === everyIpv6.text;
}

/** True for `127.0.0.0/8` and `::1`. */
export function isLoopback(ip: IpAddress): boolean {
  return ip.family === 4 ? ip.text.startsWith('127.') : ip.text === '::1';
}

/** Four decimal parts. `010.0.0.1` is octal to some readers and decimal to others, so it is refused, as Go does. */
function isFourParts(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text);
}

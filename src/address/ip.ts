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
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return hasLeadingZero(text) ? undefined : { family: 4, text };
  }
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const parsed = ipaddr.IPv6.parse(text);
  if (parsed.isIPv4MappedAddress()) return { family: 4, text: parsed.toIPv4Address().toString() };
  const zone = parsed.zoneId === undefined ? '' : `%${parsed.zoneId}`;
  return { family: 6, text: new ipaddr.IPv6(parsed.parts).toRFC5952String() + zone };
}

/** True for `0.0.0.0` and `::`, which stand for every address of their family. */
export function isWildcard(ip: IpAddress): boolean {
  return ip.text === everyIpv4.text || ip.text === everyIpv6.text;
}

/** `010.0.0.1` is octal to some readers and decimal to others, so it is refused, as Go does. */
function hasLeadingZero(fourParts: string): boolean {
  return /(^|\.)0\d/.test(fourParts);
}

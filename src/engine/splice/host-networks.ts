/**
 * Which addresses are on this host: its own, and those in the networks of its bridges, where containers and virtual
 * machines are. A bridge may lead to a LAN too, whose machines then count as ours: what hangs on this does them no harm.
 */
import { existsSync } from 'node:fs';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { limits } from '../../limits.js';
import { readSockaddr } from '../../sys/sockaddr.js';
import type { PreparedTarget } from './prepared-route.js';

/** Wildcards are dialled as the loopback. */
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('0.0.0.0', 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addAddress('::', 'ipv6');

let networks = new BlockList();
let readAtMs = Number.NEGATIVE_INFINITY;

/**
 * In another namespace only the loopback is known to be on this host; an address with a zone is a neighbour's. Undefined
 * where the host does not tell its networks now, as for want of a descriptor, which that takes.
 */
export function isOnThisHost(
  { sockaddr, namespace, zone }: Pick<PreparedTarget, 'sockaddr' | 'namespace' | 'zone'>,
  nowMs: number,
): boolean | undefined {
  const { family, text } = readSockaddr(sockaddr, 0);
  const type = `ipv${family}` as const;
  if (loopback.check(text, type)) return true;
  if (namespace !== undefined || zone !== '') return false;
  if (nowMs - readAtMs >= limits.hostNetworksFreshMs) {
    const interfaces = networkInterfacesNow();
    if (interfaces === undefined) return undefined;
    networks = networksOf(interfaces);
    readAtMs = nowMs;
  }
  return networks.check(text, type);
}

function networksOf(interfaces: ReturnType<typeof networkInterfaces>): BlockList {
  const found = new BlockList();
  for (const [name, addresses] of Object.entries(interfaces)) {
    const isBridge = existsSync(`/sys/class/net/${name}/bridge`);
    for (const { address, cidr, family } of addresses ?? []) {
      const type = family === 'IPv4' ? 'ipv4' : 'ipv6';
      const prefix = Number(cidr?.split('/')[1]);
      if (isBridge && cidr !== null) found.addSubnet(address, prefix, type);
      else found.addAddress(address, type);
    }
  }
  return found;
}

function networkInterfacesNow(): ReturnType<typeof networkInterfaces> | undefined {
  try {
    return networkInterfaces();
  } catch {
    return undefined;
  }
}

import { everyIpv4, everyIpv6, type IpAddress, isWildcard } from '../address/ip.js';
import type { Mapping } from './mapping.js';

/** Two mappings that want one port; the earlier one has it. */
export interface Conflict {
  readonly mapping: Mapping;
  readonly holder: Mapping;
}

/** The addresses that a host ip listens on: without one, both wildcards, apart, as Docker binds them. */
export function listenAddresses(hostIp: IpAddress | undefined): readonly IpAddress[] {
  return hostIp === undefined ? [everyIpv4, everyIpv6] : [hostIp];
}

/**
 * A port belongs to one mapping: finds each mapping whose fixed host port is another's, on the same address or
 * inside the other's wildcard. Pools and free ports give way at bind time, so they never conflict here.
 */
export function findConflicts(mappings: readonly Mapping[]): Conflict[] {
  const holders = new Map<string, Mapping[]>();
  const conflicts: Conflict[] = [];
  for (const mapping of mappings) {
    if (mapping.hostPort.kind !== 'fixed') continue;
    const key = `${mapping.hostPort.port}/${mapping.protocol}`;
    const sharing = holders.get(key) ?? [];
    const holder = sharing.find((other) => overlap(other.hostIp, mapping.hostIp));
    if (holder === undefined) holders.set(key, [...sharing, mapping]);
    else conflicts.push({ mapping, holder });
  }
  return conflicts;
}

function overlap(left: IpAddress | undefined, right: IpAddress | undefined): boolean {
  return listenAddresses(left).some((a) =>
    listenAddresses(right).some(
      (b) => a.family === b.family && (a.text === b.text || isWildcard(a) || isWildcard(b)),
    ),
  );
}

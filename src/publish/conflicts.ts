import { everyIpv4, everyIpv6, type IpAddress, isWildcard } from '../address/ip.js';
import { formatInside, type Mapping } from './mapping.js';

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
 * inside the other's wildcard, of the same network namespace. Pools and free ports give way at bind time, so they never conflict here.
 */
export function findConflicts(mappings: readonly Mapping[]): Conflict[] {
  const held = new HeldPorts();
  const conflicts: Conflict[] = [];
  for (const mapping of mappings) {
    if (mapping.hostPort.kind !== 'fixed') continue;
    const port = `${mapping.hostPort.port}/${mapping.protocol}${formatInside(mapping)}`;
    const addresses = listenAddresses(mapping.hostIp);
    const holder = addresses.map((ip) => held.holderOf(port, ip)).find((other) => other !== undefined);
    if (holder !== undefined) conflicts.push({ mapping, holder });
    else for (const ip of addresses) held.hold(port, ip, mapping);
  }
  return conflicts;
}

/** Who holds which port; looked up by address and by family, so that thousands of mappings take no longer each. */
class HeldPorts {
  readonly #byAddress = new Map<string, Mapping>();
  /** The first holder of the port on any address of a family: the one that a wildcard meets. */
  readonly #byFamily = new Map<string, Mapping>();

  holderOf(port: string, ip: IpAddress): Mapping | undefined {
    if (isWildcard(ip)) return this.#byFamily.get(`${port} ${ip.family}`);
    const wildcard = ip.family === 4 ? everyIpv4 : everyIpv6;
    return this.#byAddress.get(`${port} ${ip.text}`) ?? this.#byAddress.get(`${port} ${wildcard.text}`);
  }

  hold(port: string, ip: IpAddress, mapping: Mapping): void {
    this.#byAddress.set(`${port} ${ip.text}`, mapping);
    const family = `${port} ${ip.family}`;
    if (!this.#byFamily.has(family)) this.#byFamily.set(family, mapping);
  }
}

/** A route with its addresses laid out for connect(2). */
import { interfaceIndex } from '../../sys/interface-index.js';
import { mapRegion } from '../../sys/mman.js';
import { sockaddrBytes, writeSockaddr, writeSockaddrUn } from '../../sys/sockaddr.js';
import { AF_INET, AF_INET6, AF_UNIX } from '../../sys/socket.js';
import type { Route } from '../engine.js';
import type { ShardTarget } from './end-records.js';
import type { ShardRoute } from './shard-messages.js';

export interface PreparedTarget {
  readonly domain: number;
  /** The address in memory, and its length. */
  readonly sockaddr: number;
  readonly length: number;
  /** As flow ends tell of it. */
  readonly told: ShardTarget;
}

export interface PreparedRoute extends Omit<Route, 'targets'> {
  readonly targets: readonly PreparedTarget[];
}

/** Flows may dial an old route's addresses for as long as they live, so its few bytes are never given back. */
export function prepareRoute(route: ShardRoute): PreparedRoute {
  if (route.targets.length === 0) return { ...route, targets: [] };
  const region = mapRegion(route.targets.length * sockaddrBytes);
  const bytes = new Uint8Array(region.buffer);
  const targets = route.targets.map((target, index): PreparedTarget => {
    const offset = index * sockaddrBytes;
    const sockaddr = region.address + offset;
    if (target.kind === 'unix') {
      const length = writeSockaddrUn(bytes, offset, target.path);
      return { domain: AF_UNIX, sockaddr, length, told: { kind: 'unix', pathNumber: target.pathNumber } };
    }
    const { ip, port } = target;
    const length = writeSockaddr(bytes, offset, { ...ip, port }, interfaceIndex(ip.text));
    const start = offset + (ip.family === 6 ? 8 : 4);
    const words = new Int32Array(bytes.slice(start, start + 16).buffer);
    return {
      domain: ip.family === 6 ? AF_INET6 : AF_INET,
      sockaddr,
      length,
      told: { kind: 'ip', address: { family: ip.family, port, words } },
    };
  });
  return { ...route, targets };
}

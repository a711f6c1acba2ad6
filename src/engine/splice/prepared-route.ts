/** A route with its addresses as connect(2) takes them, made once for all flows that dial them. */
import { zoneOf } from '../../sys/interface-index.js';
import { sockaddrBytes, writeSockaddr, writeSockaddrUn } from '../../sys/sockaddr.js';
import { AF_INET, AF_INET6, AF_UNIX } from '../../sys/socket.js';
import { addressKey } from '../address-key.js';
import type { ShardTarget } from './end-records.js';
import type { ShardRoute } from './shard-route.js';

export interface PreparedTarget {
  /** Equal addresses have equal keys (address-key.ts). */
  readonly key: string;
  readonly domain: number;
  readonly sockaddr: Uint8Array;
  /** Of an IPv6 address: its interface, looked up at each dial, since it may go and be made anew. Empty where it has none. */
  readonly zone: string;
  /** The path of the namespace to dial in; undefined: this thread's own. */
  readonly namespace: string | undefined;
  /** Whether what its TCP sockets send is paced; found out, and written, by dial-socket.ts. */
  pacing: 'unknown' | 'kept' | 'taken-off';
  /** As flow ends tell of it. */
  readonly told: ShardTarget;
}

export interface PreparedRoute extends Omit<ShardRoute, 'targets'> {
  readonly targets: readonly PreparedTarget[];
}

export function prepareRoute(route: ShardRoute): PreparedRoute {
  return { ...route, targets: route.targets.map(prepare) };
}

function prepare(target: ShardRoute['targets'][number]): PreparedTarget {
  const key = addressKey(target);
  const bytes = new Uint8Array(sockaddrBytes);
  if (target.kind === 'unix') {
    const sockaddr = bytes.slice(0, writeSockaddrUn(bytes, 0, target.path));
    const told = { kind: 'unix', textNumber: target.textNumber } as const;
    return { key, domain: AF_UNIX, sockaddr, zone: '', namespace: undefined, pacing: 'kept', told };
  }
  const { ip, port, namespace } = target;
  const sockaddr = bytes.slice(0, writeSockaddr(bytes, 0, { ...ip, port }));
  const start = ip.family === 6 ? 8 : 4;
  const words = new Int32Array(bytes.slice(start, start + 16).buffer);
  return {
    key,
    domain: ip.family === 6 ? AF_INET6 : AF_INET,
    sockaddr,
    zone: zoneOf(ip.text),
    namespace,
    pacing: 'unknown',
    told: { kind: 'ip', address: { family: ip.family, port, words }, textNumber: target.textNumber },
  };
}

/** A route with its addresses laid out for connect(2). */
import { interfaceIndex } from '../../sys/interface-index.js';
import { mapRegion, type Region } from '../../sys/mman.js';
import { sockaddrBytes, writeSockaddr, writeSockaddrUn } from '../../sys/sockaddr.js';
import { AF_INET, AF_INET6, AF_UNIX } from '../../sys/socket.js';
import { addressKey } from '../address-key.js';
import type { Route, TargetAddress } from '../engine.js';
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

/** Addresses are laid out in slabs of one page of memory. */
const slabBytes = 4096;

/**
 * The addresses a shard dials, each laid out once, however many mappings and routes lead there. Flows of an old route may
 * still dial them, so they are kept; a name that moves between the same addresses adds nothing.
 */
export class PreparedTargets {
  readonly #known = new Map<string, PreparedTarget>();
  #slab: Region | undefined = undefined;
  #used = slabBytes;

  prepareRoute(route: ShardRoute): PreparedRoute {
    return { ...route, targets: route.targets.map((target) => this.#prepare(target)) };
  }

  /** Those of these addresses that flows may be going to. */
  known(addresses: readonly TargetAddress[]): ReadonlySet<PreparedTarget> {
    return new Set(addresses.flatMap((address) => this.#known.get(addressKey(address)) ?? []));
  }

  #prepare(target: ShardRoute['targets'][number]): PreparedTarget {
    const key = addressKey(target);
    const known = this.#known.get(key) ?? this.#layOut(target);
    this.#known.set(key, known);
    return known;
  }

  #layOut(target: ShardRoute['targets'][number]): PreparedTarget {
    if (this.#slab === undefined || this.#used + sockaddrBytes > slabBytes) {
      this.#slab = mapRegion(slabBytes);
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += sockaddrBytes;
    const bytes = new Uint8Array(this.#slab.buffer);
    const sockaddr = this.#slab.address + offset;
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
  }
}

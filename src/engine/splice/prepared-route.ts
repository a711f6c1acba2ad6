/** A route with its addresses laid out for connect(2). */
import { interfaceIndex } from '../../sys/interface-index.js';
import { mapRegion, type Region } from '../../sys/mman.js';
import { writePath } from '../../sys/network-namespace.js';
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
  /** Where the path of the namespace to dial in lies in memory; undefined: this thread's own. */
  readonly namespace: number | undefined;
  /** As flow ends tell of it. */
  readonly told: ShardTarget;
}

export interface PreparedRoute extends Omit<Route, 'targets'> {
  readonly targets: readonly PreparedTarget[];
}

/** What is laid out goes into slabs of one page of memory: the longest path fits one. */
const slabBytes = 4096;

/**
 * The addresses a shard dials, each laid out once, however many mappings and routes lead there. Flows of an old route may
 * still dial them, so they are kept; a name that moves between the same addresses adds nothing, nor does a namespace
 * whose path stays the same.
 */
export class PreparedTargets {
  readonly #known = new Map<string, PreparedTarget>();
  readonly #namespaces = new Map<string, number>();
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
    const { bytes, offset, address: sockaddr } = this.#room(sockaddrBytes);
    if (target.kind === 'unix') {
      const length = writeSockaddrUn(bytes, offset, target.path);
      const told = { kind: 'unix', pathNumber: target.pathNumber } as const;
      return { domain: AF_UNIX, sockaddr, length, namespace: undefined, told };
    }
    const { ip, port } = target;
    const length = writeSockaddr(bytes, offset, { ...ip, port }, interfaceIndex(ip.text));
    const start = offset + (ip.family === 6 ? 8 : 4);
    const words = new Int32Array(bytes.slice(start, start + 16).buffer);
    return {
      domain: ip.family === 6 ? AF_INET6 : AF_INET,
      sockaddr,
      length,
      namespace: target.namespace === undefined ? undefined : this.#layOutPath(target.namespace),
      told: { kind: 'ip', address: { family: ip.family, port, words } },
    };
  }

  #layOutPath(path: string): number {
    const known = this.#namespaces.get(path);
    if (known !== undefined) return known;
    const { bytes, offset, address } = this.#room(Buffer.byteLength(path) + 1);
    writePath(bytes, offset, path);
    this.#namespaces.set(path, address);
    return address;
  }

  #room(wanted: number): { bytes: Uint8Array; offset: number; address: number } {
    if (this.#slab === undefined || this.#used + wanted > slabBytes) {
      this.#slab = mapRegion(slabBytes);
      this.#used = 0;
    }
    const offset = this.#used;
    this.#used += (wanted + 7) & ~7;
    return { bytes: new Uint8Array(this.#slab.buffer), offset, address: this.#slab.address + offset };
  }
}

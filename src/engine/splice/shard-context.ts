/** What the parts of a shard share. */
import { limits } from '../../limits.js';
import { IPPROTO_UDP } from '../../sys/in.js';
import { interfaceIndex } from '../../sys/interface-index.js';
import type { NetworkNamespaces } from '../../sys/network-namespace.js';
import { sockaddrIn6ScopeId } from '../../sys/sockaddr.js';
import { UDP_GRO } from '../../sys/udp.js';
import type { Arena } from './arena.js';
import { type EndFacts, recordFields, writeEnd } from './end-records.js';
import type { EventLoop } from './event-loop.js';
import type { HoldPool } from './hold-pool.js';
import type { OwnedDescriptors } from './owned-descriptors.js';
import type { PipePool } from './pipe-pool.js';
import type { PreparedTarget } from './prepared-route.js';
import type { Scarcity } from './scarcity.js';
import type { Report } from './shard-messages.js';
import type { Syscalls } from './syscalls.js';
import type { TcpFlowCounts } from './tcp-flow-counts.js';
import type { UdpBatches } from './udp-batches.js';

export interface ShardContext {
  readonly sys: Syscalls;
  readonly arena: Arena;
  readonly loop: EventLoop;
  readonly pipes: PipePool;
  readonly holds: HoldPool;
  readonly namespaces: NetworkNamespaces;
  readonly scarcity: Scarcity;
  readonly ends: EndBatch;
  /** Undefined until a UDP listener is served. */
  udp: UdpBatches | undefined;
  readonly owned: OwnedDescriptors;
  maxFlows: number;
  /** Flows in progress, of all services of this shard. */
  flows: number;
  readonly tcpFlows: TcpFlowCounts;
  /** Offset of the one buffer of limits.copyBytes that every recv uses. */
  readonly copyBuffer: number;
  /** Offset of a small structure for options and lengths. */
  readonly scratch: number;
  /** Offset of what accept4 writes: an address, then its length. */
  readonly acceptBuffer: number;
  /** Offset of the address that connect reads. */
  readonly connectBuffer: number;
  report(report: Report): void;
}

/**
 * A socket to dial a target from, made in the target's namespace, where it stays (test/platform/network-namespace.test.ts),
 * and marked as this shard's; the negative errno where there is none to be had.
 */
export function targetSocket(context: ShardContext, target: PreparedTarget, kind: number): number {
  const descriptor = makeSocket(context, target, kind);
  if (descriptor >= 0) context.owned.add(descriptor);
  return descriptor;
}

function makeSocket({ sys, namespaces }: ShardContext, target: PreparedTarget, kind: number): number {
  const { domain, namespace } = target;
  if (namespace !== undefined) return namespaces.make(namespace, () => sys.socket(domain, kind, 0));
  const descriptor = sys.socket(domain, kind, 0);
  return descriptor < 0 ? -sys.errno() : descriptor;
}

/** Closes a socket of this shard, whether it was watched or not. */
export function closeSocket({ owned, loop }: ShardContext, descriptor: number): void {
  owned.delete(descriptor);
  loop.close(descriptor);
}

/** Gives connect's result; -1 too, with errno, where the address's interface is not there. */
export function connectTo(context: ShardContext, descriptor: number, target: PreparedTarget): number {
  const { sys, arena, connectBuffer } = context;
  const { sockaddr, zone } = target;
  arena.bytes.set(sockaddr, connectBuffer);
  if (zone !== '') {
    const index = interfaceIndex(descriptor, zone);
    if (index < 0) return index;
    arena.view.setUint32(connectBuffer + sockaddrIn6ScopeId, index, true);
  }
  return sys.connect(descriptor, arena.address(connectBuffer), sockaddr.length);
}

/** Sets an option of one int; gives setsockopt's result. */
export function setOption(
  { sys, arena, scratch }: ShardContext,
  descriptor: number,
  level: number,
  name: number,
  value: number,
): number {
  arena.words[scratch >> 2] = value;
  return sys.setsockopt(descriptor, level, name, arena.address(scratch), 4);
}

/**
 * Has a UDP socket take a message of several datagrams whole. Linux has this since 5.0, and can send such messages
 * since 4.18: where this cannot be set nothing may be sent so either, since what does not know UDP_SEGMENT sends all of it
 * as one datagram (test/platform/udp-segments.test.ts).
 */
export function takeSegments(context: ShardContext, descriptor: number): boolean {
  return setOption(context, descriptor, IPPROTO_UDP, UDP_GRO, 1) === 0;
}

/** Flow ends on their way to the main thread: sent when the batch is full, or when they have waited long enough. */
export class EndBatch {
  readonly #post: (records: Float64Array) => void;
  /** False: nobody wants to be told, and nothing has to be put together. */
  readonly wanted: boolean;
  #records = new Float64Array(limits.flowEndsPerBatch * recordFields);
  #count = 0;
  #oldestMs = 0;

  constructor(wanted: boolean, post: (records: Float64Array) => void) {
    this.wanted = wanted;
    this.#post = post;
  }

  add(facts: EndFacts): void {
    if (!this.wanted) return;
    if (this.#count === 0) this.#oldestMs = performance.now();
    writeEnd(this.#records, this.#count, facts);
    this.#count += 1;
    if (this.#count === limits.flowEndsPerBatch) this.flush();
  }

  flush(): void {
    if (this.#count === 0) return;
    this.#post(this.#records.slice(0, this.#count * recordFields));
    this.#count = 0;
  }

  /** Sends what has waited long enough; gives how long the rest may still wait, -1 where there is none. */
  flushDue(): number {
    if (this.#count === 0) return -1;
    const leftMs = this.#oldestMs + limits.flowEndsDelayMs - performance.now();
    if (leftMs > 0) return Math.ceil(leftMs);
    this.flush();
    return -1;
  }
}

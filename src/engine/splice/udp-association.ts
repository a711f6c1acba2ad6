/** One UDP association of the splice engine: a client's address, and a socket connected to the target for it alone. */
import { UdpEntry } from '../udp-table.js';
import type { Handler, Worker } from './event-loop.js';
import type { PreparedTarget } from './prepared-route.js';
import type { Waiter } from './scarcity.js';

/** What an association hands on to its relay, which does the work with buffers of the whole shard. */
export interface AssociationHost {
  readonly fromTarget: (association: UdpAssociation) => void;
  readonly fault: (association: UdpAssociation, error: unknown) => void;
}

/** Words of an address in memory: a sockaddr_in6 has seven, a sockaddr_in four. */
export const nameWords = 7;
/** Words of a local address: four, and the interface's index where it takes that (datagram-batch.ts). */
export const localWords = 5;

export class UdpAssociation extends UdpEntry<UdpAssociation> implements Handler, Worker, Waiter {
  queued = false;
  /** -1 where no address of the route could be connected to: the next datagram tries again. */
  descriptor = -1;
  ended = false;
  /** Whether datagrams may go together, as one message that the kernel cuts apart (message-batch.ts). */
  targetTakesSegments = false;
  clientTakesSegments = false;
  target: PreparedTarget | undefined = undefined;
  bytesIn = 0;
  bytesOut = 0;
  readonly startedMs: number;
  /** The client's sockaddr, as the kernel wrote it. */
  readonly name: Int32Array;
  /** The address of ours that the client spoke to. */
  readonly local: Int32Array;
  readonly hash: number;
  /** The next association whose hash is the same. */
  sameHash: UdpAssociation | undefined = undefined;
  readonly #host: AssociationHost;

  constructor(hash: number, name: Int32Array, local: Int32Array, startedMs: number, host: AssociationHost) {
    super();
    this.hash = hash;
    this.name = name;
    this.local = local;
    this.startedMs = startedMs;
    this.#host = host;
  }

  onEvents(): void {
    this.#host.fromTarget(this);
  }

  work(): void {
    if (this.descriptor >= 0) this.#host.fromTarget(this);
  }

  /** There was no memory to read what its target sent. */
  retry(): boolean {
    this.work();
    return true;
  }

  onFault(error: unknown): void {
    this.#host.fault(this, error);
  }
}

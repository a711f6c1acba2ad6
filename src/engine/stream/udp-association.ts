/**
 * One UDP association of the stream engine: a client's datagrams through one socket connected to the target, so
 * that the target's replies and errors come back to this client alone.
 *
 * States: `connecting` (datagrams queue, bounded), `connected`, `unreachable` (there was no address that could be
 * connected to: the next datagram, or the next route, tries again), `closed`. A target that is not there costs its
 * datagrams, never the association.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { limits } from '../../limits.js';
import type { Counters } from '../../metrics/counters.js';
import type { TargetAddress } from '../engine.js';
import { UdpEntry } from '../udp-table.js';
import { numericLookup } from './numeric-lookup.js';

type IpTarget = Extract<TargetAddress, { kind: 'ip' }>;

type State =
  | { readonly kind: 'connecting'; readonly socket: Socket; readonly queue: Buffer[] }
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'closed' };

export interface UdpAssociationHost {
  readonly counters: Counters;
  /** As it is now. */
  targets(): readonly TargetAddress[];
  /** There is no address to send these to. */
  unreached(association: UdpAssociation, datagrams: readonly Buffer[]): void;
  /** What was kept of such, in the order it came. */
  takeKept(association: UdpAssociation): readonly Buffer[];
  /** A datagram came from the target. */
  answered(association: UdpAssociation, datagram: Buffer): void;
}

export class UdpAssociation extends UdpEntry<UdpAssociation> {
  readonly key: string;
  readonly client: RemoteInfo;
  readonly startedMs: number;
  target: TargetAddress | undefined;
  bytesIn = 0;
  bytesOut = 0;
  readonly #host: UdpAssociationHost;
  #state: State = { kind: 'unreachable' };

  constructor(key: string, client: RemoteInfo, startedMs: number, host: UdpAssociationHost) {
    super();
    this.key = key;
    this.client = client;
    this.startedMs = startedMs;
    this.#host = host;
  }

  /** The address it is connected to, or being connected to. */
  get reached(): TargetAddress | undefined {
    return this.#state.kind === 'connecting' || this.#state.kind === 'connected' ? this.target : undefined;
  }

  /** Connects an association that has no address, and sends what was kept of it, then these. */
  reach(datagrams: readonly Buffer[] = []): void {
    const targets = this.#host.targets().filter((address) => address.kind === 'ip');
    if (targets.length === 0) this.#host.unreached(this, datagrams);
    else this.#connect(targets, 0, [...datagrams]);
  }

  /** Passes a datagram of the client on; it is dropped, and counted, where the target or the queue cannot take it. */
  send(datagram: Buffer): void {
    this.bytesIn += datagram.length;
    const state = this.#state;
    if (state.kind === 'unreachable') {
      this.reach([datagram]);
    } else if (state.kind === 'connecting') {
      if (state.queue.length < limits.udpQueuedDatagrams) state.queue.push(datagram);
      else this.#host.counters.add('datagramsOverQueue');
    } else if (state.kind === 'connected') {
      this.#sendNow(state.socket, datagram);
    }
  }

  close(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'connecting' || state.kind === 'connected') state.socket.close();
  }

  #connect(targets: readonly IpTarget[], index: number, queue: Buffer[]): void {
    const target = targets[index];
    if (target === undefined) {
      this.#state = { kind: 'unreachable' };
      this.#host.unreached(this, queue);
      return;
    }
    this.target = target;
    const socket = createSocket({ type: target.ip.family === 6 ? 'udp6' : 'udp4', lookup: numericLookup });
    this.#state = { kind: 'connecting', socket, queue };
    const connecting = () => this.#state.kind === 'connecting' && this.#state.socket === socket;
    socket.on('message', (datagram) => {
      this.bytesOut += datagram.length;
      this.#host.answered(this, datagram);
    });
    // On a connected socket an ICMP error of an earlier datagram surfaces here; so does a bind that failed.
    socket.on('error', () => {
      if (connecting()) this.#connectNext(socket, targets, index, queue);
      else this.#refused();
    });
    socket.connect(target.port, target.ip.text, (error?: Error) => {
      if (!connecting()) return;
      if (error || isToItself(socket)) this.#connectNext(socket, targets, index, queue);
      else this.#connected(socket, queue);
    });
  }

  #connectNext(failed: Socket, targets: readonly IpTarget[], index: number, queue: Buffer[]): void {
    failed.close();
    this.#connect(targets, index + 1, queue);
  }

  /** Not before is what was kept taken: kept again, it would have a new time to wait, and be counted twice. */
  #connected(socket: Socket, queue: readonly Buffer[]): void {
    this.#state = { kind: 'connected', socket };
    for (const datagram of [...this.#host.takeKept(this), ...queue]) this.#sendNow(socket, datagram);
  }

  #sendNow(socket: Socket, datagram: Buffer): void {
    if (socket.getSendQueueCount() >= limits.udpQueuedDatagrams) {
      this.#host.counters.add('datagramsOverQueue');
      return;
    }
    socket.send(datagram, this.#sent);
  }

  /** One function an association, not one a datagram. */
  readonly #sent = (error: Error | null): void => {
    if (error !== null) this.#refused();
  };

  #refused(): void {
    if (this.#state.kind !== 'closed') this.#host.counters.add('datagramsRefused');
  }
}

/** The kernel may choose the target's own port for it, where nothing else has that: it would answer itself. */
function isToItself(socket: Socket): boolean {
  const [local, remote] = [socket.address(), socket.remoteAddress()];
  return local.port === remote.port && local.address === remote.address;
}

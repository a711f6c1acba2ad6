/**
 * Gives UDP associations their sockets, each connected to the target. Where there is no descriptor or no local port to
 * have, pipes that nothing is in are closed, and then the association idle longest makes room, as it does at the other
 * bounds.
 */
import { limits } from '../../limits.js';
import { EPOLLET, EPOLLIN } from '../../sys/epoll.js';
import { Errno } from '../../sys/errno.js';
import { SO_RCVBUF, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOL_SOCKET } from '../../sys/socket.js';
import type { UdpTable } from '../udp-table.js';
import { isToItself } from './local-end.js';
import type { PreparedTarget } from './prepared-route.js';
import { isScarce } from './scarcity.js';
import {
  closeSocket,
  connectTo,
  type ShardContext,
  setOption,
  takeSegments,
  targetSocket,
} from './shard-context.js';
import type { UdpAssociation } from './udp-association.js';

/** In place of a descriptor: no address has a way to it, or the system has no socket to give. */
export const noTarget = -1;
const noSocket = -2;

/**
 * What one association less helps against. A UDP connect says EAGAIN where no local port is free
 * (test/e2e/shortage.test.ts); EADDRNOTAVAIL is the want of an address, which an eviction does not bring.
 */
const replaceable = new Set<number>([Errno.EMFILE, Errno.ENFILE, Errno.EAGAIN]);

export class AssociationConnector {
  readonly #context: ShardContext;

  constructor(context: ShardContext) {
    this.#context = context;
  }

  /** Connects to the first address that has a way to it; gives the descriptor, or why there is none. */
  connect(
    association: UdpAssociation,
    targets: readonly PreparedTarget[],
    table: UdpTable<UdpAssociation>,
  ): number {
    for (const target of targets) {
      association.target = target;
      let errno = this.#open(association, target);
      for (let made = 0; made < limits.udpRoomsMade && replaceable.has(errno); made += 1) {
        if (!this.#makeRoom(association, table, errno)) break;
        errno = this.#open(association, target);
      }
      if (errno === 0) return association.descriptor;
      if (isScarce(errno) || errno === Errno.EAGAIN) {
        this.#context.scarcity.tell(errno, 'a UDP client gets no socket', 'its datagrams are dropped');
        return noSocket;
      }
    }
    return noTarget;
  }

  /** Opens, connects and watches a socket; gives 0, or the errno of what could not be done. */
  #open(association: UdpAssociation, target: PreparedTarget): number {
    const { sys, loop } = this.#context;
    const descriptor = targetSocket(this.#context, target, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return -descriptor;
    setOption(this.#context, descriptor, SOL_SOCKET, SO_RCVBUF, limits.udpReceiveBufferBytes);
    association.targetTakesSegments = takeSegments(this.#context, descriptor);
    let errno = connectTo(this.#context, descriptor, target) < 0 ? sys.errno() : 0;
    if (errno === 0 && isToItself(this.#context, descriptor, target)) errno = Errno.ECONNREFUSED;
    if (errno === 0) errno = loop.add(descriptor, association, EPOLLIN | EPOLLET);
    if (errno !== 0) {
      closeSocket(this.#context, descriptor);
      return errno;
    }
    association.descriptor = descriptor;
    return 0;
  }

  #makeRoom(association: UdpAssociation, table: UdpTable<UdpAssociation>, errno: number): boolean {
    const { pipes, scarcity } = this.#context;
    if (errno !== Errno.EAGAIN && pipes.closeUnused()) return true;
    if (!table.evictQuietest(association)) return false;
    scarcity.tell(errno, 'a UDP client gets no socket', 'the one idle longest makes room');
    return true;
  }
}

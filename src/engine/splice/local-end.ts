/** The local end that the kernel gives a dialled socket: an address and a port of its choice, where it has them. */
import { Errno } from '../../sys/errno.js';
import { sockaddrIn6Bytes } from '../../sys/sockaddr.js';
import { AF_INET, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../../sys/socket.js';
import type { PreparedTarget } from './prepared-route.js';
import { isScarce } from './scarcity.js';
import { closeSocket, connectTo, type ShardContext, targetSocket } from './shard-context.js';

/**
 * True where a connected socket is connected to itself: where nothing listens at a port of this host, the kernel may choose
 * that very port for the dial, and the two ends of a TCP simultaneous open (RFC 9293 3.5), or of a UDP socket, are one. It
 * would give a client its own bytes for an answer, and keep the port from the server that it belongs to.
 */
export function isToItself(context: ShardContext, descriptor: number, target: PreparedTarget): boolean {
  const { domain, sockaddr } = target;
  if (domain === AF_UNIX) return false;
  const { sys, connectBuffer, acceptBuffer } = context;
  const own = nameFrom(sys.getsockname, context, descriptor, connectBuffer);
  if (own === undefined || portOf(own) !== portOf(sockaddr)) return false;
  // Not the address that was dialled: 0.0.0.0 and :: lead to the loopback.
  const peer = nameFrom(sys.getpeername, context, descriptor, acceptBuffer);
  if (peer === undefined) return false;
  const [start, end] = domain === AF_INET ? [4, 8] : [8, 24];
  return own.subarray(start, end).every((byte, index) => peer[start + index] === byte);
}

/** One end's address, in a buffer of the shard; undefined where the socket has none any more. */
function nameFrom(
  call: (descriptor: number, address: number, length: number) => number,
  { arena, scratch }: ShardContext,
  descriptor: number,
  buffer: number,
): Uint8Array | undefined {
  arena.words[scratch >> 2] = sockaddrIn6Bytes;
  if (call(descriptor, arena.address(buffer), arena.address(scratch)) < 0) return undefined;
  return arena.bytes.subarray(buffer, buffer + sockaddrIn6Bytes);
}

function portOf(sockaddr: Uint8Array): number {
  return ((sockaddr[2] ?? 0) << 8) | (sockaddr[3] ?? 0);
}

/**
 * Whether what stopped a TCP dial is over some day, so that it may wait.
 *
 * @param last the address dialled, where no other one is left to dial meanwhile
 */
export function passes(context: ShardContext, errno: number, last: PreparedTarget | undefined): boolean {
  // A unix listener whose queue is full says EAGAIN (test/platform/epoll.test.ts).
  if (isScarce(errno) || errno === Errno.EAGAIN) return true;
  return errno === Errno.EADDRNOTAVAIL && last !== undefined && !lacksAddress(context, last);
}

/**
 * EADDRNOTAVAIL from a TCP dial is the want of a local port, or of a local address, as where IPv6 is turned off. That is
 * missed by UDP too, whose connect sends nothing and has ports of its own.
 */
function lacksAddress(context: ShardContext, target: PreparedTarget): boolean {
  const descriptor = targetSocket(context, target, SOCK_DGRAM | SOCK_CLOEXEC);
  if (descriptor < 0) return false;
  const { sys } = context;
  const isMissed = connectTo(context, descriptor, target) < 0 && sys.errno() === Errno.EADDRNOTAVAIL;
  closeSocket(context, descriptor);
  return isMissed;
}

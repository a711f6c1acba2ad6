/** How a TCP flow dials its target: from what socket, and how far that comes at once. */

import { Errno } from '../../sys/errno.js';
import { isPaced, takePacingOff } from '../../sys/pacing.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../sys/socket.js';
import type { Handler } from './event-loop.js';
import { isOnThisHost } from './host-networks.js';
import type { PreparedTarget } from './prepared-route.js';
import { connectTo, type ShardContext, targetSocket } from './shard-context.js';
import { everyEdge, type Side } from './side.js';

const socketKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/**
 * Gives a side a socket that is watched for the flow and on its way to an address: 0 where it is there already, EINPROGRESS
 * where events will tell; with another errno there is no such dial, and the side is to be dropped.
 */
export function beginDial(context: ShardContext, address: PreparedTarget, side: Side, flow: Handler): number {
  const descriptor = targetSocket(context, address, socketKind);
  if (descriptor < 0) return -descriptor;
  side.descriptor = descriptor;
  choosePacing(context, descriptor, address);
  // A read stops behind a message that carried descriptors, however much more there is.
  if (address.domain === AF_UNIX) side.urgent = true;
  const errno = connectTo(context, descriptor, address) < 0 ? context.sys.errno() : 0;
  if (errno !== 0 && errno !== Errno.EINPROGRESS) return errno;
  const refused = context.loop.add(descriptor, flow, everyEdge);
  return refused === 0 ? errno : refused;
}

/**
 * What goes to a target on this host is not paced (sys/pacing.ts). Where it is, is found out once: at its first dial that can
 * tell, in the namespace of its sockets.
 */
function choosePacing(context: ShardContext, descriptor: number, target: PreparedTarget): void {
  if (target.pacing === 'kept') return;
  if (target.pacing === 'unknown') target.pacing = pacingTo(context, descriptor, target);
  // Once refused it is refused always, and costs a call no more.
  if (target.pacing === 'taken-off' && !takePacingOff(descriptor)) target.pacing = 'kept';
}

function pacingTo(
  { loop }: ShardContext,
  descriptor: number,
  target: PreparedTarget,
): PreparedTarget['pacing'] {
  if (!isPaced(descriptor)) return 'kept';
  const isLocal = isOnThisHost(target, loop.nowMs);
  if (isLocal === undefined) return 'unknown';
  return isLocal ? 'taken-off' : 'kept';
}

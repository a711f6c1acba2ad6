/** The socket that a TCP flow dials its target from. */

import { isPaced, takePacingOff } from '../../sys/pacing.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../../sys/socket.js';
import { isOnThisHost } from './host-networks.js';
import type { PreparedTarget } from './prepared-route.js';
import { type ShardContext, targetSocket } from './shard-context.js';

const socketKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/**
 * A descriptor, or the negative errno where there is none to be had. What it sends is not paced where the target is on
 * this host (sys/pacing.ts), which is found out once for a target: at its first dial, in the namespace of its sockets.
 */
export function dialSocket(context: ShardContext, target: PreparedTarget): number {
  const descriptor = targetSocket(context, target, socketKind);
  if (descriptor < 0 || target.pacing === 'kept') return descriptor;
  if (target.pacing === 'unknown') target.pacing = pacingTo(context, descriptor, target);
  // Once refused it is refused always, and costs a call no more.
  if (target.pacing === 'taken-off' && !takePacingOff(descriptor)) target.pacing = 'kept';
  return descriptor;
}

function pacingTo(
  { loop }: ShardContext,
  descriptor: number,
  target: PreparedTarget,
): PreparedTarget['pacing'] {
  return isPaced(descriptor) && isOnThisHost(target, loop.nowMs) ? 'taken-off' : 'kept';
}

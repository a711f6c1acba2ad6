/** How a socket ends here: what its peer is told, and what error it has to tell of itself. */
import { SO_ERROR, SO_LINGER, SOL_SOCKET } from '../../sys/socket.js';
import type { CloseAction } from '../close-table.js';
import { closeSocket, type ShardContext } from './shard-context.js';
import type { Side } from './side.js';

/** Closes a side's socket, if it has one, and gives back what it holds. */
export function closeSide(context: ShardContext, side: Side, action: CloseAction): void {
  if (side.hold !== undefined) context.holds.giveBack(side.hold);
  context.pipes.giveBack(side);
  side.hold = undefined;
  if (side.descriptor < 0) return;
  if (action === 'reset') resetAtClose(context, side.descriptor);
  closeSocket(context, side.descriptor);
  side.descriptor = -1;
}

/**
 * Takes a side's socket, and whatever it holds, out of this shard, for another to watch. It stays marked as this one's
 * until the main thread has heard of it, so that it is closed if this one dies before.
 */
export function letGo({ pipes, loop }: Pick<ShardContext, 'pipes' | 'loop'>, side: Side): void {
  pipes.giveBack(side);
  loop.remove(side.descriptor);
}

/** With linger on and zero, close sends a RST (test/platform/epoll.test.ts); a unix socket only closes. */
function resetAtClose({ sys, arena, scratch }: ShardContext, descriptor: number): void {
  arena.words[scratch >> 2] = 1;
  arena.words[(scratch >> 2) + 1] = 0;
  sys.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, arena.address(scratch), 8);
}

/** The error a socket has to tell of, which reading it clears. */
export function takeError({ sys, arena, scratch }: ShardContext, descriptor: number): number {
  const word = scratch >> 2;
  arena.words[word] = 0;
  arena.words[word + 2] = 4;
  sys.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, arena.address(scratch), arena.address(scratch + 8));
  return arena.words[word] ?? 0;
}

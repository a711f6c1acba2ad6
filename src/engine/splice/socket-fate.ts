/** How a socket's end is told: to its peer, by a reset, and to us, by the error that it has to tell of. */
import { SO_ERROR, SO_LINGER, SOL_SOCKET } from '../../sys/socket.js';
import type { ShardContext } from './shard-context.js';

/** With linger on and zero, close sends a RST (test/platform/epoll.test.ts); a unix socket only closes. */
export function resetAtClose({ sys, arena, scratch }: ShardContext, descriptor: number): void {
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

/**
 * Moves bytes from one side of a TCP flow to the other, as far as both go along.
 *
 * Two ways. Copying: recv into the shard's one buffer and send from there; what is not taken is held, at most one buffer
 * a direction, and goes first the next time. Splicing: from the socket into a pipe and from the pipe into the other
 * socket, for a direction whose reads keep filling the buffer; it goes back to copying when its splices stay small.
 *
 * Sockets are edge-triggered. `readable` and `writable` are what is known since the last edge: a read that comes short
 * has drained the socket and the next byte makes an edge (test/platform/epoll.test.ts), unless urgent data cut it short or
 * the socket is broken. Where the FIN was seen queued before a read, a short read has also reached that FIN.
 *
 * splice says EAGAIN for an empty socket and for a full pipe alike (test/platform/epoll.test.ts), so a socket is spliced
 * from only while the pipe is empty.
 */
import { limits } from '../../limits.js';
import { Errno } from '../../sys/errno.js';
import { SPLICE_F_MOVE, SPLICE_F_NONBLOCK } from '../../sys/fcntl.js';
import { IPPROTO_TCP, TCP_KEEPIDLE, TCP_NODELAY } from '../../sys/in.js';
import { MSG_MORE, MSG_NOSIGNAL, SO_KEEPALIVE, SOL_SOCKET } from '../../sys/socket.js';
import { isScarce } from './scarcity.js';
import type { ShardContext } from './shard-context.js';
import type { Side } from './side.js';

/** How far a pump got. */
export type Pumped =
  /** As far as it goes for now: an edge will tell when there is more to do. */
  | 'waiting'
  /** There is more, but it is others' turn. */
  | 'more'
  /** All that will ever come from this side has been passed on, but for its FIN. */
  | 'finished'
  /** The system is out of something, and no edge tells when it is there again: `errno` says of what. */
  | 'starved'
  /** A call failed on one of the sockets: `errno` of the pump says how. */
  | 'from-failed'
  | 'to-failed';

const spliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

export class Pump {
  /** Of the last call that failed. */
  errno = 0;
  readonly #context: ShardContext;
  readonly #buffer: number;

  constructor(context: ShardContext) {
    this.#context = context;
    this.#buffer = context.arena.address(context.copyBuffer);
  }

  run(from: Side, to: Side): Pumped {
    const enough = from.received + limits.bytesPerTurn;
    while (from.received < enough) {
      const result = this.#step(from, to);
      if (result !== 'more') return result;
    }
    return 'more';
  }

  /** Passes on what is still owed, then reads once. */
  #step(from: Side, to: Side): Pumped {
    if (!from.delivered) return from.piped > 0 ? this.#drainPipe(from, to) : this.#sendHeld(from, to);
    if (from.ended) return 'finished';
    if (!from.readable || !to.writable) return 'waiting';
    return from.pipe === undefined || from.urgent
      ? this.#copy(from, to)
      : this.#splice(from, to, from.pipe.writeEnd);
  }

  #copy(from: Side, to: Side): Pumped {
    const count = this.#context.sys.recv(from.descriptor, this.#buffer, limits.copyBytes, 0);
    if (count <= 0) return this.#readNothing(from, count);
    from.received += count;
    this.#judgeRead(from, count);
    if (!to.tuned) this.#tuneIfNeeded(to, count);
    // What a FIN is known to follow leaves together with it, in one segment: passing it on is this turn's next step.
    const flags = from.ended ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
    const sent = this.#context.sys.send(to.descriptor, this.#buffer, count, flags);
    if (sent === count) return 'more';
    const why = sent < 0 ? this.#notSent(to) : filled(to);
    if (why !== 'to-failed') this.#hold(from, Math.max(sent, 0), count);
    return why;
  }

  /**
   * A dialled socket inherits no options, and setting them is three calls. The first small message leaves at once
   * without them, since Nagle's algorithm holds data back only behind data that is not acknowledged; so a flow of one
   * request and one answer never pays. Everyone else does, here or when the flow has lived for limits.tuneAfterMs.
   */
  #tuneIfNeeded(to: Side, length: number): void {
    if (to.sentTo || length > limits.untunedBytes) this.tune(to);
    to.sentTo = true;
  }

  tune(to: Side): void {
    const { sys, arena, scratch } = this.#context;
    const address = arena.address(scratch);
    to.tuned = true;
    arena.words[scratch >> 2] = 1;
    sys.setsockopt(to.descriptor, IPPROTO_TCP, TCP_NODELAY, address, 4);
    sys.setsockopt(to.descriptor, SOL_SOCKET, SO_KEEPALIVE, address, 4);
    arena.words[scratch >> 2] = limits.keepAliveDelayMs / 1000;
    sys.setsockopt(to.descriptor, IPPROTO_TCP, TCP_KEEPIDLE, address, 4);
  }

  /** What a read of this many bytes says about the socket, and about whether it sends bulk. */
  #judgeRead(from: Side, count: number): void {
    if (count < limits.copyBytes) {
      from.streak = 0;
      if (from.urgent || from.broken) return;
      from.readable = false;
      from.ended = from.finQueued;
      return;
    }
    from.streak += 1;
    if (from.streak < limits.bulkReads || from.urgent || from.pipe !== undefined) return;
    from.streak = 0;
    this.#context.pipes.lend(from);
  }

  /** splice stops for good before an urgent byte, with 0 where a FIN is queued: only recv knows whether it is the end. */
  #splice(from: Side, to: Side, pipe: number): Pumped {
    const count = this.#context.sys.splice(from.descriptor, 0, pipe, 0, limits.pipeBytes, spliceFlags);
    // A failure is told once: recv would take what is left of a reset for an orderly end.
    if (count < 0) return this.#readNothing(from, count);
    if (count === 0) {
      this.#returnPipe(from);
      return this.#copy(from, to);
    }
    from.received += count;
    from.piped = count;
    from.streak = count < limits.smallSpliceBytes ? from.streak + 1 : 0;
    return 'more';
  }

  #readNothing(from: Side, count: number): Pumped {
    if (count === 0) {
      from.ended = true;
      from.readable = false;
      return 'more';
    }
    const why = this.#whyNot('from-failed');
    if (why === 'waiting') from.readable = false;
    return why;
  }

  #drainPipe(from: Side, to: Side): Pumped {
    const { pipe } = from;
    if (pipe === undefined) return 'more';
    while (from.piped > 0) {
      if (!to.writable) return 'waiting';
      const count = this.#context.sys.splice(pipe.readEnd, 0, to.descriptor, 0, from.piped, spliceFlags);
      if (count <= 0) return this.#notSent(to);
      from.piped -= count;
    }
    if (from.streak >= limits.smallSplices || from.ended) this.#returnPipe(from);
    return 'more';
  }

  #returnPipe(from: Side): void {
    this.#context.pipes.giveBack(from);
    from.streak = 0;
  }

  #sendHeld(from: Side, to: Side): Pumped {
    const { hold } = from;
    if (hold === undefined) return 'more';
    if (!to.writable) return 'waiting';
    const length = from.holdEnd - from.holdStart;
    const sent = this.#context.sys.send(to.descriptor, hold.address + from.holdStart, length, MSG_NOSIGNAL);
    if (sent < 0) return this.#notSent(to);
    if (sent < length) {
      from.holdStart += sent;
      return filled(to);
    }
    this.#context.holds.giveBack(hold);
    from.hold = undefined;
    return 'more';
  }

  #hold(from: Side, start: number, end: number): void {
    const { arena, copyBuffer, holds } = this.#context;
    from.hold = holds.borrow();
    from.hold.bytes.set(arena.bytes.subarray(copyBuffer + start, copyBuffer + end));
    from.holdStart = 0;
    from.holdEnd = end - start;
  }

  #notSent(to: Side): Pumped {
    const why = this.#whyNot('to-failed');
    if (why === 'waiting') to.writable = false;
    return why;
  }

  /** What a call that moved nothing ran into: it would have blocked, lacked something, or failed for good. */
  #whyNot(failed: 'from-failed' | 'to-failed'): Pumped {
    this.errno = this.#context.sys.errno();
    if (this.errno === Errno.EAGAIN || this.errno === Errno.EINTR) return 'waiting';
    return isScarce(this.errno) ? 'starved' : failed;
  }
}

/** A side took a part of what was to be sent: it is full, and an edge tells when it is not. */
function filled(to: Side): Pumped {
  to.writable = false;
  return 'waiting';
}

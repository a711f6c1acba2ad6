/** One end of a TCP flow on the splice engine: a socket, what epoll said of it, and what came from it. */
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from '../../sys/epoll.js';
import type { EventLoop, Handler } from './event-loop.js';
import type { Hold } from './hold-pool.js';
import type { Pipe } from './pipe-pool.js';

/** What a socket is registered for. */
export const everyEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

export class Side {
  descriptor = -1;
  /** There may be something to read; false once a read has found it drained. */
  readable = false;
  /** It may take more; false once a write was cut short. */
  writable = false;
  /** EPOLLRDHUP was seen: its FIN is in the receive queue, behind whatever is still there. */
  finQueued = false;
  /** EPOLLERR or EPOLLHUP was seen: only reading on to the end tells what happened. */
  broken = false;
  /** EPOLLPRI was seen: urgent data cuts a read short, so a short read says nothing. */
  urgent = false;
  /** Its FIN has been read; and passed on to the other side, behind all it had sent. */
  ended = false;
  finPassed = false;
  /** It has the options of a long-lived connection: an accepted socket has them of its listener. */
  tuned = false;
  /** Something has been sent to it. */
  sentTo = false;
  /** Bytes read from it. */
  received = 0;
  /** What was read from it and the other side has not taken, in memory… */
  hold: Hold | undefined = undefined;
  holdStart = 0;
  holdEnd = 0;
  /** …or in a pipe, which it has while it sends bulk. */
  pipe: Pipe | undefined = undefined;
  piped = 0;
  /** Reads in a row that filled the buffer; while piped, splices in a row that were small. */
  streak = 0;

  /** Notes what epoll said of it. */
  note(events: number): void {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) !== 0) this.readable = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) !== 0) this.writable = true;
    if ((events & EPOLLRDHUP) !== 0) this.finQueued = true;
    if ((events & (EPOLLHUP | EPOLLERR)) !== 0) this.broken = true;
    if ((events & EPOLLPRI) !== 0) this.urgent = true;
  }

  /** True where nothing that came from it is still to be passed on. */
  get delivered(): boolean {
    return this.hold === undefined && this.piped === 0;
  }

  /** True where it owes nothing, and nothing is known of an end. */
  get isQuiet(): boolean {
    return this.delivered && !this.finQueued && !this.ended && !this.broken;
  }
}

/** Registers the client, and the target of a flow that has one; gives the errno where epoll would not have both. */
export function watchSides(loop: EventLoop, flow: Handler, client: Side, target: Side): number {
  const errno = loop.add(client.descriptor, flow, everyEdge);
  if (errno !== 0 || target.descriptor < 0) return errno;
  const refused = loop.add(target.descriptor, flow, everyEdge);
  if (refused !== 0) loop.remove(client.descriptor);
  return refused;
}

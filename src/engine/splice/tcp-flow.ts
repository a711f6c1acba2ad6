/**
 * One TCP flow of the splice engine.
 *
 * States: `unwatched`, while epoll lacks the room for its sockets; `dialing` one target address after the other; `starved`,
 * a dial that waits for a descriptor or a local port (src/engine/splice/scarcity.ts); `waiting` in its listener's line
 * (src/engine/waiting-line.ts), which has it dial again or end; `open`; `ended`, once, by a row of the close table, or
 * `moved` to another shard, where it goes on as another object. The first event that ends a flow decides its reason.
 *
 * Each socket is registered once in a shard, edge-triggered, for everything: the client when it is accepted, the target
 * when its connect is under way, both when they come from another shard. What epoll says is noted in the sides; then both
 * directions are pumped.
 *
 * The flow owns both sockets and whatever its sides hold until it ends, and closes them, or until it is moved.
 */
import { limits } from '../../limits.js';
import { EPOLLERR, EPOLLHUP, EPOLLOUT } from '../../sys/epoll.js';
import { Errno, errnoName } from '../../sys/errno.js';
import { AF_UNIX, SHUT_WR } from '../../sys/socket.js';
import { type CloseAction, type CloseEvent, closeTable, dialEventOf } from '../close-table.js';
import type { WaitingFlow } from '../waiting-line.js';
import { beginDial } from './dial-socket.js';
import type { Handler, Worker } from './event-loop.js';
import { tellFault } from './fault.js';
import { isToItself, passes } from './local-end.js';
import { type ClientWords, type MovedFlow, movedFlow, sideOf } from './moved-flow.js';
import type { PreparedRoute, PreparedTarget } from './prepared-route.js';
import type { Pumped } from './pump.js';
import { isScarce, type Waiter } from './scarcity.js';
import { Side, watchSides } from './side.js';
import { closeSide, letGo, takeError } from './socket-fate.js';
import type { TcpFlowHost } from './tcp-flow-host.js';
import { Timer } from './timer-wheel.js';

type State = 'unwatched' | 'dialing' | 'starved' | 'waiting' | 'open' | 'moved' | 'ended';

export class TcpFlow extends Timer implements Handler, Worker, Waiter, WaitingFlow<number> {
  queued = false;
  client = new Side();
  target = new Side();
  readonly clientPort: number;
  readonly clientWords: ClientWords;
  startedMs: number;
  /** The address dialled last. */
  address: PreparedTarget | undefined = undefined;
  readonly #host: TcpFlowHost<TcpFlow>;
  /** The route it was dialled by last. */
  #route: PreparedRoute;
  #state: State = 'unwatched';
  #next = 0;
  /** What it lacked last; 0 once an open flow lacks nothing any more. */
  #starvedBy = 0;
  #activeMs: number;

  constructor(descriptor: number, clientPort: number, clientWords: ClientWords, host: TcpFlowHost<TcpFlow>) {
    super();
    this.client.descriptor = descriptor;
    this.client.tuned = true;
    this.clientPort = clientPort;
    this.clientWords = clientWords;
    this.#route = host.route;
    this.#host = host;
    this.startedMs = host.context.loop.nowMs;
    this.#activeMs = this.startedMs;
  }

  /** @param waitMs how long it may wait until epoll has the room to watch it */
  start(waitMs = this.#route.connectTimeoutMs): void {
    const { loop } = this.#host.context;
    if (!this.#watch()) loop.wheel.set(this, loop.nowMs + waitMs);
  }

  /** Begins, or goes on with what another shard gave; false where it waits for that. */
  #watch(): boolean {
    const { context, line } = this.#host;
    const errno = watchSides(context.loop, this, this.client, this.target);
    this.#starvedBy = errno;
    if (isScarce(errno)) {
      context.scarcity.wait(this, errno, 'a connection waits to be watched');
      return false;
    }
    this.#state = 'dialing';
    if (errno !== 0) this.end('internal-error', errno);
    else if (this.target.descriptor >= 0) this.#nowOpen();
    else if (line.hasPrecedence) this.#wait(() => line.join(this));
    else this.#dialNext('dial-unreachable', 0);
    return true;
  }

  #wait(inLine: () => void): void {
    this.#host.context.loop.wheel.cancel(this);
    this.#state = 'waiting';
    inLine();
  }

  dialAgain(): void {
    this.#state = 'dialing';
    this.#next = 0;
    try {
      this.#dialNext('dial-unreachable', 0);
    } catch (error) {
      tellFault(this, error);
    }
  }

  /** These addresses are nobody's any more. What is only being dialled has lost nothing by it, and goes elsewhere. */
  targetsGone(gone: ReadonlySet<string>): void {
    if (this.address === undefined || !gone.has(this.address.key)) return;
    // One that waits to be watched has an address only where another shard had it.
    if (this.#state === 'open' || this.#state === 'unwatched') {
      this.end('target-gone');
    } else if (this.#state === 'dialing' || this.#state === 'starved') {
      this.#host.context.scarcity.forget(this);
      this.#dropTarget();
      this.dialAgain();
    }
  }

  onEvents(descriptor: number, events: number): void {
    const side = descriptor === this.client.descriptor ? this.client : this.target;
    side.note(events);
    if (this.#state === 'open') {
      // A few bytes never wait behind others' bulk.
      const bulk = this.client.pipe ?? this.target.pipe;
      if (bulk === undefined || !this.#host.context.loop.defer(this)) this.#move();
    } else if (side === this.target && this.#state === 'dialing') {
      this.#dialAnswered(events);
    } else if (side === this.client && (events & EPOLLERR) !== 0) {
      this.end('client-reset', takeError(this.#host.context, descriptor));
    }
  }

  /** Its next share of a turn. */
  work(): void {
    if (this.#state === 'open') this.#move();
  }

  retry(): boolean {
    if (this.#state === 'unwatched') return this.#watch();
    if (this.#state === 'open') return this.#retryMove();
    if (this.#state !== 'starved') return true;
    this.#state = 'dialing';
    this.#dial(this.#next - 1);
    // A local port, or room in a unix listener's queue, is this flow's own want: others may still have theirs.
    return !this.#is('starved') || !isScarce(this.#starvedBy);
  }

  onFault(error: unknown): void {
    this.#host.context.report({ kind: 'trouble', message: `a flow failed: ${String(error)}` });
    this.end('internal-error', 0);
  }

  /** True where it has been at work since then, and all that was read has been passed on. */
  isMovable(sinceMs: number): boolean {
    const isBusy = this.#state === 'open' && this.#activeMs >= sinceMs;
    return isBusy && this.client.isQuiet && this.target.isQuiet;
  }

  /** Gives a movable flow away: this one is over then, without an end. */
  give(): MovedFlow {
    const { context } = this.#host;
    this.#state = 'moved';
    context.loop.wheel.cancel(this);
    for (const side of [this.client, this.target]) letGo(context, side);
    return movedFlow(this, context.loop.nowMs, this.#route.idleTimeoutMs);
  }

  /** Starts with a flow that a shard gave. */
  goOn({ client, target, address, ageMs, idleTimeoutMs }: MovedFlow): void {
    this.client = sideOf(client);
    this.target = sideOf(target);
    this.address = address;
    this.startedMs -= ageMs;
    if (idleTimeoutMs !== this.#route.idleTimeoutMs) this.#route = { ...this.#route, idleTimeoutMs };
    this.start(limits.scarcityFlowMs);
  }

  /** Ends the flow as the close table says; nothing happens where it has ended already. */
  end(event: CloseEvent, errno = 0): void {
    if (this.#state === 'ended') return;
    const { context, line, ended } = this.#host;
    this.#state = 'ended';
    context.loop.wheel.cancel(this);
    context.scarcity.forget(this);
    const row = closeTable[event];
    closeSide(context, this.client, row.client);
    closeSide(context, this.target, row.target);
    if (line.size > 0) line.left(this);
    ended(this, event, errno);
  }

  // --- dialing ---------------------------------------------------------------------------------------------------

  /** Dials the next address; with none left its line decides. A new route begins with its first. */
  #dialNext(event: CloseEvent, errno: number): void {
    const { route, line, context } = this.#host;
    if (route !== this.#route) this.#next = 0;
    this.#route = route;
    if (this.#next >= route.targets.length) {
      this.#wait(() => line.failed(this, event, errno));
      return;
    }
    this.#next += 1;
    context.loop.wheel.set(this, context.loop.nowMs + route.connectTimeoutMs);
    this.#dial(this.#next - 1);
  }

  #dial(index: number): void {
    const { context } = this.#host;
    const address = this.#route.targets[index];
    if (address === undefined) return;
    this.address = address;
    const errno = beginDial(context, address, this.target, this);
    if (errno === 0) this.#open();
    else if (errno !== Errno.EINPROGRESS) this.#dialStopped(errno);
  }

  /** A dial that did not even begin: for want of something it waits, otherwise the next address is due. */
  #dialStopped(errno: number): void {
    const { context } = this.#host;
    this.#dropTarget();
    const isLast = this.#next >= this.#route.targets.length;
    if (!passes(context, errno, isLast ? this.address : undefined)) {
      this.#dialFailed(dialEventOf(errnoName(errno)), errno);
      return;
    }
    if (isScarce(errno) && context.pipes.closeUnused()) context.scarcity.something();
    this.#state = 'starved';
    this.#starvedBy = errno;
    context.scarcity.wait(this, errno, 'a dial to a target waits');
  }

  #dialAnswered(events: number): void {
    if ((events & (EPOLLERR | EPOLLHUP)) === 0) {
      if ((events & EPOLLOUT) !== 0) this.#open();
      return;
    }
    const errno = takeError(this.#host.context, this.target.descriptor);
    if (errno === 0) {
      // Connected, and closed again already: reading tells the rest.
      this.#open();
      return;
    }
    this.#dropTarget();
    this.#dialFailed(dialEventOf(errnoName(errno)), errno);
  }

  #dialFailed(event: CloseEvent, errno: number): void {
    this.#host.counters.add('dialsFailed');
    this.#dialNext(event, errno);
  }

  #dropTarget(action: CloseAction = 'close'): void {
    closeSide(this.#host.context, this.target, action);
    // What epoll said of it is not true of the next one.
    this.target = new Side();
  }

  // --- open ------------------------------------------------------------------------------------------------------

  #open(): void {
    const { line, context } = this.#host;
    if (this.address !== undefined && isToItself(context, this.target.descriptor, this.address)) {
      // A FIN would keep the port, as TIME_WAIT.
      this.#dropTarget('reset');
      this.#dialFailed('dial-refused', Errno.ECONNREFUSED);
      return;
    }
    this.target.writable = true;
    if (this.address?.domain === AF_UNIX) this.target.tuned = true;
    this.#nowOpen();
    if (line.size > 0) line.opened(this);
    this.#move();
  }

  #nowOpen(): void {
    this.#state = 'open';
    const { wheel, nowMs } = this.#host.context.loop;
    const { idleTimeoutMs } = this.#route;
    const afterMs = this.target.tuned ? idleTimeoutMs : limits.tuneAfterMs;
    if (afterMs === undefined) wheel.cancel(this);
    else wheel.set(this, nowMs + Math.min(afterMs, idleTimeoutMs ?? afterMs));
  }

  /** Both directions, as far as they go. */
  #move(): void {
    this.#activeMs = this.#host.context.loop.nowMs;
    this.#pass(this.client, this.target);
    if (this.#is('open')) this.#pass(this.target, this.client);
    // A peer that reset is told of at once, even while the other side takes nothing of what it had sent.
    if (this.client.broken && this.#is('open')) this.#endIfFailed(this.client, this.target);
    if (this.target.broken && this.#is('open')) this.#endIfFailed(this.target, this.client);
  }

  /** Trying again is no sign of life: for that something has to move. */
  #retryMove(): boolean {
    const { loop } = this.#host.context;
    const activeMs = this.#activeMs;
    this.#starvedBy = 0;
    this.#move();
    if (this.#starvedBy === 0 || !this.#is('open')) return true;
    this.#activeMs = activeMs;
    if (loop.nowMs - activeMs >= limits.scarcityFlowMs) this.end('internal-error', this.#starvedBy);
    return false;
  }

  #pass(from: Side, to: Side): void {
    const { context, pump } = this.#host;
    const result = this.#pump(from, to);
    if (result === 'more') context.loop.enqueue(this);
    else if (result === 'finished') this.#passFin(from, to);
    else if (result === 'from-failed') this.#endBy(from, pump.errno, from.ended);
    else if (result === 'to-failed') this.#failed(to, from, pump.errno);
    else if (result === 'starved') {
      this.#starvedBy = pump.errno;
      context.scarcity.wait(this, pump.errno, 'a flow waits to go on');
    }
  }

  #pump(from: Side, to: Side): Pumped {
    const { pump, context, counters } = this.#host;
    const before = from.received;
    const result = pump.run(from, to);
    const moved = from.received - before;
    if (moved > 0) counters.add(from === this.client ? 'bytesIn' : 'bytesOut', moved);
    context.loop.spend(moved);
    return result;
  }

  #passFin(from: Side, to: Side): void {
    if (to.ended && to.delivered) {
      // Closing sends the FIN that is still owed, so that nothing has to be shut down first.
      this.end('both-fins', 0);
    } else if (!from.finPassed) {
      from.finPassed = true;
      this.#host.context.sys.shutdown(to.descriptor, SHUT_WR);
    }
  }

  #endIfFailed(side: Side, other: Side): void {
    const errno = takeError(this.#host.context, side.descriptor);
    if (errno !== 0) this.#failed(side, other, errno);
  }

  /**
   * A side takes nothing more, or was reset. What it had sent before is still to be read, and is passed on as far as the
   * other side takes it now. A reset behind a FIN is told as EPIPE (test/platform/epoll.test.ts).
   */
  #failed(side: Side, other: Side, errno: number): void {
    const hadFinished = side.ended;
    const enough = side.received + limits.lastBytes;
    side.readable = true;
    while (side.received < enough && this.#pump(side, other) === 'more');
    this.#endBy(side, errno, hadFinished || (side.ended && errno === Errno.EPIPE));
  }

  /**
   * A target that has sent its FIN and then refuses what the client still sends has finished, and the client has all of
   * it: a reset now could cost the client what is still on its way to it.
   */
  #endBy(side: Side, errno: number, hadFinished: boolean): void {
    if (side === this.target && hadFinished && side.delivered) this.end('both-fins', errno);
    else this.end(side === this.client ? 'client-reset' : 'target-reset', errno);
  }

  // --- time, and the end ------------------------------------------------------------------------------------------

  /** The connect timeout or the idle timeout may be over, or the flow has lived long enough to be tuned. */
  ring(): void {
    const { scarcity } = this.#host.context;
    if (this.#state === 'open') {
      if (!this.target.tuned) this.#host.pump.tune(this.target);
      this.#checkIdle();
      return;
    }
    if (this.#state === 'unwatched') {
      this.end('internal-error', this.#starvedBy);
      return;
    }
    const isStarved = this.#state === 'starved';
    scarcity.forget(this);
    this.#state = 'dialing';
    this.#dropTarget();
    this.#dialFailed(isStarved ? 'dial-unreachable' : 'dial-timeout', isStarved ? this.#starvedBy : 0);
  }

  #checkIdle(): void {
    const { idleTimeoutMs } = this.#route;
    if (idleTimeoutMs === undefined) return;
    const { loop } = this.#host.context;
    const idleAtMs = this.#activeMs + idleTimeoutMs;
    if (idleAtMs > loop.nowMs) loop.wheel.set(this, idleAtMs);
    else this.end('idle-timeout', 0);
  }

  /** By now: a call in between may have changed what the compiler still believes. */
  #is(state: State): boolean {
    return this.#state === state;
  }
}

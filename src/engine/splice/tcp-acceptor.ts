/**
 * One TCP listener's share in a shard: accepts, and owns the flows that come of it.
 *
 * The listening socket is level-triggered and in the epoll of every shard (EPOLLEXCLUSIVE, test/platform/epoll.test.ts), so
 * that an accept which is not made now is offered again, to whoever has time. The kernel wakes the first of them that
 * sleeps: a shard that is ahead of another goes to the end of their line, and leaves them some turns. At a bound, or
 * when the system has no descriptor to give, it leaves epoll: connections wait in the kernel's queue, and it comes back
 * when a flow has ended.
 */
import { limits } from '../../limits.js';
import type { Counters } from '../../metrics/counters.js';
import { EPOLLEXCLUSIVE, EPOLLIN } from '../../sys/epoll.js';
import { Errno, SystemCallError } from '../../sys/errno.js';
import { sockaddrBytes } from '../../sys/sockaddr.js';
import { SOCK_CLOEXEC, SOCK_NONBLOCK } from '../../sys/socket.js';
import type { CloseEvent } from '../close-table.js';
import { WaitingLine } from '../waiting-line.js';
import type { Handler } from './event-loop.js';
import { tellFault } from './fault.js';
import type { MovedFlow } from './moved-flow.js';
import { prepareRoute } from './prepared-route.js';
import { Pump } from './pump.js';
import { isScarce, type Waiter } from './scarcity.js';
import type { ShardContext } from './shard-context.js';
import type { ShardService } from './shard-messages.js';
import type { ShardRoute } from './shard-route.js';
import type { ShardServer } from './shard-server.js';
import { TcpFlow } from './tcp-flow.js';
import type { TcpFlowHost } from './tcp-flow-host.js';
import { CallTimer } from './timer-wheel.js';

export class TcpAcceptor implements Handler, ShardServer, Waiter {
  readonly #context: ShardContext;
  readonly #service: number;
  readonly #descriptor: number;
  readonly #family: 4 | 6;
  readonly #counters: Counters;
  readonly #flows = new Set<TcpFlow>();
  readonly #host: TcpFlowHost<TcpFlow>;
  readonly #line: WaitingLine<number, TcpFlow>;
  readonly #lineTimer = new CallTimer(
    () => this.#line.ring(),
    (error) => this.onFault(error),
  );
  readonly #sockaddr: number;
  readonly #whenEmpty: () => void;
  /** Flows given to another shard, which has not said yet whether it took them. */
  #away = 0;
  /** Turns in a row in which it left what came to others. */
  #turnsLeft = 0;
  #state: 'listening' | 'paused' | 'detached' = 'paused';

  constructor(context: ShardContext, served: ShardService, counters: Counters, whenEmpty: () => void) {
    this.#context = context;
    this.#service = served.service;
    this.#descriptor = served.descriptor;
    this.#family = served.family;
    this.#counters = counters;
    this.#whenEmpty = whenEmpty;
    // The address accept4 writes, and behind it the address's length.
    this.#sockaddr = context.acceptBuffer;
    const route = prepareRoute(served.route);
    this.#line = new WaitingLine(route, {
      counters,
      nowMs: () => context.loop.nowMs,
      ringAt: (atMs) => this.#ringAt(atMs),
      trouble: (trouble) => context.report({ kind: 'waiting-trouble', service: served.service, trouble }),
    });
    this.#host = {
      context,
      pump: new Pump(context),
      counters,
      route,
      line: this.#line,
      ended: (flow, event, errno) => this.#ended(flow, event, errno),
    };
    this.#listen('new');
  }

  setRoute(route: ShardRoute): void {
    this.#host.route = prepareRoute(route);
    this.#line.setRoute(this.#host.route);
    // While it is full it would take nothing, and count the bound as met once more.
    if (this.#state === 'paused' && !this.#full()) this.#listen();
  }

  targetsGone(gone: ReadonlySet<string>): void {
    for (const flow of this.#flows) flow.targetsGone(gone);
  }

  detach(): void {
    if (this.#state === 'listening') this.#context.loop.remove(this.#descriptor);
    this.#context.scarcity.forget(this);
    this.#state = 'detached';
    if (this.#flows.size === 0) this.#whenEmpty();
  }

  /**
   * Registers anew, which tells of what is there already; and who was registered last is woken last
   * (test/platform/epoll.test.ts).
   */
  look(): void {
    if (this.#state !== 'listening') return;
    this.#context.loop.remove(this.#descriptor);
    this.#state = 'paused';
    if (!this.#listen()) this.#context.report({ kind: 'paused', service: this.#service });
  }

  give(oneIn: number): MovedFlow[] {
    const given: MovedFlow[] = [];
    const sinceMs = this.#context.loop.nowMs - limits.loadWindowMs;
    let nth = 0;
    for (const flow of this.#flows) {
      if (given.length === limits.flowsGivenAtOnce) break;
      if (!flow.isMovable(sinceMs)) continue;
      nth += 1;
      if (nth % oneIn !== 0) continue;
      this.#forget(flow);
      given.push(flow.give());
    }
    this.#countAway(given.length);
    return given;
  }

  moved(given: number, back: readonly MovedFlow[], gone: ReadonlySet<string>): void {
    // One by one: should one end at once, there is room for one more and not for all of them.
    for (const moved of back) {
      this.#goOnWith(moved, gone);
      this.#countAway(-1);
    }
    this.#countAway(back.length - given);
    this.#roomAgain();
  }

  take(flows: readonly MovedFlow[], gone: ReadonlySet<string>): MovedFlow[] {
    const back: MovedFlow[] = [];
    for (const moved of flows) {
      if (this.#full()) back.push(moved);
      else this.#goOnWith(moved, gone);
    }
    return back;
  }

  endAll(event: CloseEvent): void {
    for (const flow of this.#flows) flow.end(event, 0);
  }

  get detachedAtOnce(): boolean {
    return true;
  }

  onEvents(): void {
    for (let taken = 0; taken < limits.acceptsPerTurn; taken += 1) {
      if (this.#leavesToOthers() || this.#state !== 'listening' || !this.#accept()) return;
    }
  }

  /**
   * While it is ahead of another shard what comes is left to that, which has been woken for it but may not have got to a
   * processor yet; for so many turns, since it may never get to it. Then one is taken.
   */
  #leavesToOthers(): boolean {
    const isAhead = this.#host.route.shared && this.#context.tcpFlows.isAhead;
    if (isAhead && this.#turnsLeft === 0) this.look();
    this.#turnsLeft = isAhead ? (this.#turnsLeft + 1) % (limits.turnsLeftToOthers + 1) : 0;
    const leaves = this.#turnsLeft > 0;
    // It is offered again at once, and the other may wait for this processor.
    if (leaves) this.#context.loop.othersFirst = true;
    return leaves;
  }

  onFault(error: unknown): void {
    this.#context.report({ kind: 'trouble', message: `accepting failed: ${String(error)}` });
  }

  retry(): boolean {
    if (this.#state !== 'paused') return true;
    if (this.#full()) this.#context.scarcity.park(this);
    else this.#listen();
    return true;
  }

  /** Takes one connection; false where there is none, or where none can be taken now. */
  #accept(): boolean {
    const { sys, arena, owned } = this.#context;
    if (this.#full()) {
      this.#pause();
      return false;
    }
    const lengthWord = (this.#sockaddr + sockaddrBytes) >> 2;
    arena.words[lengthWord] = sockaddrBytes;
    const descriptor = sys.accept4(
      this.#descriptor,
      arena.address(this.#sockaddr),
      arena.address(this.#sockaddr + sockaddrBytes),
      SOCK_NONBLOCK | SOCK_CLOEXEC,
    );
    if (descriptor < 0) return this.#notAccepted(sys.errno());
    owned.add(descriptor);
    this.#begin(descriptor);
    return true;
  }

  #notAccepted(errno: number): boolean {
    // EINVAL: it does not listen any more, and the command to leave it is on its way.
    if (errno === Errno.EAGAIN || errno === Errno.EINVAL) return false;
    if (!isScarce(errno)) return true; // It was the connection's own end (accept(2)): the next may do better.
    const { pipes, scarcity } = this.#context;
    if (pipes.closeUnused()) return true;
    this.#pause();
    scarcity.wait(this, errno, 'connections wait to be accepted');
    return false;
  }

  #begin(descriptor: number): void {
    const { arena } = this.#context;
    const word = this.#sockaddr >> 2;
    const port = arena.view.getUint16(this.#sockaddr + 2, false);
    const words = this.#family === 6 ? arena.words.slice(word + 2, word + 6) : (arena.words[word + 1] ?? 0);
    const flow = new TcpFlow(descriptor, port, words, this.#host);
    this.#add(flow);
    this.#counters.add('flowsOpened');
    try {
      flow.start();
    } catch (error) {
      tellFault(flow, error);
    }
  }

  #goOnWith(moved: MovedFlow, gone: ReadonlySet<string>): void {
    const flow = new TcpFlow(moved.client.descriptor, moved.clientPort, moved.clientWords, this.#host);
    this.#add(flow);
    try {
      flow.goOn(moved);
      flow.targetsGone(gone);
    } catch (error) {
      tellFault(flow, error);
    }
  }

  #ended(flow: TcpFlow, cause: CloseEvent, errno: number): void {
    this.#forget(flow);
    this.#counters.add('flowsEnded');
    if (cause === 'target-gone') this.#counters.add('flowsToGoneTarget');
    if (this.#context.ends.wanted) this.#tellEnd(flow, cause, errno);
    this.#roomAgain();
  }

  #add(flow: TcpFlow): void {
    this.#flows.add(flow);
    this.#context.flows += 1;
    this.#context.tcpFlows.own += 1;
  }

  #forget(flow: TcpFlow): void {
    this.#flows.delete(flow);
    this.#context.flows -= 1;
    this.#context.tcpFlows.own -= 1;
  }

  /** What is on its way to another shard still takes up the bounds here: the other may have no room for it. */
  #countAway(flows: number): void {
    this.#away += flows;
    this.#context.flows += flows;
  }

  #roomAgain(): void {
    this.#context.scarcity.something();
    if (this.#state === 'paused' && !this.#full()) this.#listen();
    else if (this.#state === 'detached' && this.#flows.size === 0) this.#whenEmpty();
  }

  #tellEnd(flow: TcpFlow, cause: CloseEvent, errno: number): void {
    const { clientWords } = flow;
    const { ends, loop } = this.#context;
    ends.add({
      service: this.#service,
      udp: false,
      clientFamily: this.#family,
      clientPort: flow.clientPort,
      clientWords: typeof clientWords === 'number' ? [clientWords] : clientWords,
      target: flow.address?.told,
      bytesIn: flow.client.received,
      bytesOut: flow.target.received,
      milliseconds: loop.nowMs - flow.startedMs,
      cause,
      errno,
    });
  }

  #full(): boolean {
    const flows = this.#flows.size + this.#away;
    return flows >= this.#host.route.maxFlows || this.#context.flows >= this.#context.maxFlows;
  }

  #ringAt(atMs: number): void {
    const { wheel } = this.#context.loop;
    if (atMs === Number.POSITIVE_INFINITY) wheel.cancel(this.#lineTimer);
    else wheel.set(this.#lineTimer, atMs);
  }

  #pause(): void {
    this.#context.loop.remove(this.#descriptor);
    this.#state = 'paused';
    this.#context.report({ kind: 'paused', service: this.#service });
    if (!this.#full()) return;
    this.#counters.add('flowsOverLimit');
    // It may be other listeners' flows that fill the shard, whose ends this one is not told of.
    this.#context.scarcity.park(this);
  }

  /** False where it waits to be watched: one that was watched before can be again, whatever the errno says. */
  #listen(when: 'new' | 'again' = 'again'): boolean {
    const { loop, scarcity } = this.#context;
    const errno = loop.add(this.#descriptor, this, EPOLLIN | EPOLLEXCLUSIVE);
    if (errno === 0) {
      this.#state = 'listening';
      return true;
    }
    if (!isScarce(errno) && when === 'new') throw new SystemCallError('epoll_ctl', errno);
    scarcity.wait(this, errno, 'a listener waits to be watched');
    return false;
  }
}

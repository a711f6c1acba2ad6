/**
 * A shard on the main thread: no thread of its own, so less memory and an earlier start, at the price of sharing Node's loop.
 *
 * Theory of operation. The shard sleeps in Node's place. In every round of Node's loop an immediate of ours takes turns of
 * the shard, each of which waits for its events for as long as Node's loop itself would have slept (sys/uv.ts). The
 * descriptor that Node's loop sleeps on is in the shard's epoll: when something comes for Node, or a timer of Node's is due,
 * the immediate returns, and Node's loop goes round once without sleeping, since our next immediate is pending. The other way
 * about, with the shard's epoll watched by Node's loop, the kernel tells two epolls of each event and a turn costs a round of
 * Node's loop, which small requests notice. What this believes of Node is in test/platform/uv.test.ts.
 *
 * Two of them in one process keep each other from sleeping: an engine has one.
 *
 * Reports are delivered outside of turns, so that whoever hears one may send commands at once.
 */
import { messageOf } from '../../errors.js';
import { limits } from '../../limits.js';
import { EPOLLIN } from '../../sys/epoll.js';
import { SystemCallError } from '../../sys/errno.js';
import { type MainLoop, mainLoop } from '../../sys/uv.js';
import { type Handler, shorterSleep } from './event-loop.js';
import { OwnedDescriptors } from './owned-descriptors.js';
import { Shard } from './shard.js';
import type { ShardEvents, ShardHandle } from './shard-handle.js';
import type { Command, Report, ShardSetup } from './shard-messages.js';

export class MainShard implements ShardHandle {
  readonly #shard: Shard;
  readonly #owned: OwnedDescriptors;
  readonly #events: ShardEvents;
  readonly #nodeLoop: MainLoop = mainLoop();
  /** Something waits for Node's loop. */
  #nodeCalled = false;
  #reports: Report[] = [];
  #turns: NodeJS.Immediate | undefined = undefined;
  /** Node would end the process, or say that it never sleeps, while nothing of its own is open. */
  readonly #keepAlive = setInterval(() => {}, limits.durationMs);
  #ended = false;

  /** @throws Error where this Node's loop cannot be slept in the place of */
  constructor(setup: ShardSetup, events: ShardEvents) {
    this.#owned = new OwnedDescriptors(setup.owned, setup.place);
    this.#events = events;
    this.#shard = new Shard(setup, (report) => this.#hear(report));
    const nodeCalls: Handler = {
      onEvents: () => {
        this.#nodeCalled = true;
      },
      onFault: (error) => this.#fail(error),
    };
    const errno = this.#shard.loop.add(this.#nodeLoop.descriptor, nodeCalls, EPOLLIN);
    if (errno !== 0) {
      this.#end();
      this.#owned.closeAll();
      throw new SystemCallError('epoll_ctl', errno);
    }
    this.#turns = setImmediate(this.#takeTurns);
  }

  send(command: Command): boolean {
    if (this.#ended) return false;
    try {
      this.#shard.obey(command);
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  stop(): Promise<void> {
    if (!this.#ended) {
      this.send({ kind: 'stop' });
      this.#end();
      this.#owned.closeAll();
    }
    return Promise.resolve();
  }

  /** Turns until Node's loop has something to do; one at least, however much that is. */
  readonly #takeTurns = (): void => {
    const { loop } = this.#shard;
    this.#turns = setImmediate(this.#takeTurns);
    // While an immediate counts, Node's loop would not sleep at all.
    this.#turns.unref();
    this.#nodeCalled = false;
    try {
      const untilMs = loop.nowMs + limits.turnsInARowMs;
      let nodeSleepMs: number;
      do {
        // In this order: what a turn ends with may make reports, which Node's loop has to go round for.
        const shardSleepMs = loop.sleepMs();
        nodeSleepMs = this.#nodeLoop.sleepMs();
        loop.turn(shorterSleep(shardSleepMs, nodeSleepMs));
      } while (nodeSleepMs !== 0 && !this.#nodeCalled && loop.nowMs < untilMs);
      this.#turns.ref();
    } catch (error) {
      this.#fail(error);
    }
  };

  #hear(report: Report): void {
    if (this.#reports.push(report) === 1) setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    const reports = this.#reports;
    this.#reports = [];
    for (const report of reports) {
      if (report.kind === 'failed') this.#failed(report);
      else this.#events.report(report);
    }
  };

  /** Not before what it had reported is heard: flows that it gave are not its own any more. */
  #failed({ cause, flows }: Extract<Report, { readonly kind: 'failed' }>): void {
    this.#owned.closeAll();
    this.#events.died(cause, flows);
  }

  #fail(error: unknown): void {
    try {
      this.#shard.fail(error);
    } catch (another) {
      this.#hear({ kind: 'failed', cause: messageOf(another), flows: 0 });
    }
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearImmediate(this.#turns);
    clearInterval(this.#keepAlive);
    this.#shard.free();
  }
}

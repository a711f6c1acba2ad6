/**
 * A shard on the main thread: no thread of its own, so less memory and an earlier start, at the price of sharing Node's loop.
 *
 * Theory of operation. Node's loop watches the shard's epoll descriptor (sys/uv.ts) and so wakes for its events. Each time
 * it wakes for an event, whosever, it runs the immediates: one of them is ours, and gives the shard a turn that waits for
 * nothing. While the shard has more to do that immediate keeps Node's loop from sleeping; otherwise it does not, and a
 * timer, the alarm, gives a turn when something is due.
 *
 * Reports are delivered outside of turns, so that whoever hears one may send commands at once.
 */
import { messageOf } from '../../errors.js';
import { wakeMainLoopFor } from '../../sys/uv.js';
import { closeOwned, ownedDescriptors } from './owned-descriptors.js';
import { Shard } from './shard.js';
import type { ShardEvents, ShardHandle } from './shard-handle.js';
import type { Command, Report, ShardSetup } from './shard-messages.js';

export class MainShard implements ShardHandle {
  readonly #shard: Shard;
  readonly #owned = ownedDescriptors();
  readonly #events: ShardEvents;
  readonly #watch: { readonly stop: () => void };
  #reports: Report[] = [];
  #turn: NodeJS.Immediate;
  #alarm: NodeJS.Timeout | undefined = undefined;
  #alarmAtMs = Number.POSITIVE_INFINITY;
  #ended = false;

  /** @throws Error where this Node's loop cannot watch a descriptor for us */
  constructor(setup: Omit<ShardSetup, 'owned'>, events: ShardEvents) {
    this.#events = events;
    this.#shard = new Shard({ ...setup, owned: this.#owned }, (report) => this.#hear(report));
    this.#watch = wakeMainLoopFor(this.#shard.loop.descriptor);
    this.#turn = setImmediate(this.#takeTurn);
  }

  send(command: Command): boolean {
    if (this.#ended) return false;
    try {
      this.#shard.obey(command);
      this.#sleep();
    } catch (error) {
      this.#fail(error);
    }
    return true;
  }

  stop(): Promise<void> {
    if (!this.#ended) {
      this.send({ kind: 'stop' });
      this.#end();
    }
    return Promise.resolve();
  }

  readonly #takeTurn = (): void => {
    if (this.#ended) return;
    try {
      this.#shard.loop.turn(0);
      this.#sleep();
    } catch (error) {
      this.#fail(error);
    }
  };

  /** After every wake of Node's loop there is another turn; this settles when it wakes at the latest. */
  #sleep(): void {
    const sleepMs = this.#shard.loop.sleepMs();
    clearImmediate(this.#turn);
    this.#turn = setImmediate(this.#takeTurn);
    if (sleepMs === 0) return;
    this.#turn.unref();
    if (sleepMs > 0) this.#wakeIn(sleepMs);
  }

  /** An alarm that rings earlier than needed costs a turn; setting one anew at every turn would cost more. */
  #wakeIn(ms: number): void {
    const atMs = performance.now() + ms;
    if (this.#alarmAtMs <= atMs) return;
    clearTimeout(this.#alarm);
    this.#alarmAtMs = atMs;
    this.#alarm = setTimeout(() => {
      this.#alarmAtMs = Number.POSITIVE_INFINITY;
      // Node rings its timers last before it sleeps again: immediates come only after the next wake.
      this.#takeTurn();
    }, ms);
  }

  #hear(report: Report): void {
    if (this.#reports.push(report) === 1) setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    const reports = this.#reports;
    this.#reports = [];
    for (const report of reports) {
      if (report.kind === 'failed') this.#events.died(report.cause, report.flows);
      else this.#events.report(report);
    }
  };

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
    clearImmediate(this.#turn);
    clearTimeout(this.#alarm);
    this.#watch.stop();
    this.#shard.free();
    closeOwned(this.#owned);
  }
}

/**
 * A shard on the main thread, for a process that does nothing but forward: no thread to start, and no second heap.
 *
 * Theory of operation. The shard sleeps in its own epoll_wait, and Node's loop does not run meanwhile. So Node's epoll
 * descriptor is in the shard's epoll, like a socket (epoll(7): it is readable when it has events): when Node has
 * something to do (a signal, a file that was written, a task of V8) the shard ends its turn, Node takes its own turn
 * without sleeping, and then the shard goes on. Only a timer of Node's is no event, and waits for the next one:
 * whoever uses this sets none while a shard runs.
 *
 * Reports are handed over between two turns, so that what they lead to never runs inside a flow's step.
 */
import { messageOf } from '../../errors.js';
import { EPOLLIN, eventfd } from '../../sys/epoll.js';
import { checked } from '../../sys/errno.js';
import { mapRegion, type Region, unmapRegion } from '../../sys/mman.js';
import { unistd } from '../../sys/unistd.js';
import { nodeLoopDescriptor } from '../../sys/uv.js';
import { Shard } from './shard.js';
import {
  closeOwned,
  mostDescriptors,
  type ShardEvents,
  type ShardLink,
  type ShardOptions,
} from './shard-link.js';
import type { Command, Report } from './shard-messages.js';

export class MainThreadShard implements ShardLink {
  readonly #events: ShardEvents;
  readonly #shard: Shard;
  readonly #eventDescriptor: number;
  readonly #one: Region;
  readonly #calls = unistd();
  readonly #owned = new SharedArrayBuffer(mostDescriptors);
  readonly #commands: Command[] = [];
  readonly #reports: Report[] = [];
  readonly #ended: Promise<void>;
  #whenEnded: () => void = () => undefined;
  #nodesTurn = false;
  #stopping = false;
  #gone = false;
  #flowsEnded = 0;
  #cause = 'it ended by itself';

  constructor(options: ShardOptions, events: ShardEvents) {
    this.#events = events;
    this.#eventDescriptor = checked('eventfd', eventfd().create());
    this.#one = mapRegion(4096);
    new Uint32Array(this.#one.buffer)[0] = 1;
    this.#shard = new Shard(
      { ...options, eventDescriptor: this.#eventDescriptor, owned: this.#owned },
      { receive: () => this.#commands.shift(), report: (report) => this.#keep(report) },
    );
    const node = {
      onEvents: () => {
        this.#nodesTurn = true;
      },
      onFault: () => undefined,
    };
    const errno = this.#shard.loop.add(nodeLoopDescriptor(), node, EPOLLIN);
    if (errno !== 0) throw new Error(`epoll would not watch Node's own: errno ${errno}`);
    this.#ended = new Promise((resolve) => {
      this.#whenEnded = resolve;
    });
    // After the poll of this turn of Node's, in which it registers what it watches itself.
    setImmediate(this.#turns);
  }

  send(command: Command): void {
    if (this.#gone) return;
    this.#commands.push(command);
    this.#wake();
  }

  async stop(): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.send({ kind: 'stop' });
    }
    await this.#ended;
  }

  /** Turns of the shard's until it is Node's, or until the shard has ended. */
  readonly #turns = (): void => {
    this.#nodesTurn = false;
    let going = true;
    while (going && !this.#nodesTurn) {
      going = this.#shard.turn();
      // What Node is woken for may be the end of the process: nothing is to be lost on the way.
      if (this.#nodesTurn) this.#shard.flush();
      if (this.#reports.length > 0) this.#handOver();
    }
    if (going) setImmediate(this.#turns);
    else this.#end();
  };

  /** Made at the end of a turn, it would wait for as long as the shard sleeps. */
  #keep(report: Report): void {
    this.#reports.push(report);
    this.#wake();
  }

  #wake(): void {
    this.#calls.write(this.#eventDescriptor, this.#one.address, 8);
  }

  #handOver(): void {
    for (const report of this.#reports.splice(0)) {
      if (report.kind === 'failed') {
        this.#cause = report.cause;
        this.#flowsEnded = report.flows;
      } else this.#tell(report);
    }
    // What they lead to may wait in a promise, and those run in Node's turn.
    this.#nodesTurn = true;
  }

  /** What a listener of reports throws must not end the forwarding. */
  #tell(report: Report): void {
    try {
      this.#events.report(report);
    } catch (error) {
      process.emitWarning(`a report of the shard could not be taken: ${messageOf(error)}`);
    }
  }

  #end(): void {
    this.#gone = true;
    closeOwned(this.#owned, this.#calls);
    this.#calls.close(this.#eventDescriptor);
    unmapRegion(this.#one);
    this.#whenEnded();
    if (!this.#stopping) this.#events.died(this.#cause, this.#flowsEnded);
  }
}

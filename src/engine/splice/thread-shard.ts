/** The main thread's side of a shard on a thread of its own (shard-thread.ts): the thread, and the eventfd that wakes it. */
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../errors.js';
import { limits } from '../../limits.js';
import { eventfd } from '../../sys/epoll.js';
import { checked } from '../../sys/errno.js';
import { mapRegion, type Region, unmapRegion } from '../../sys/mman.js';
import { unistd } from '../../sys/unistd.js';
import { OwnedDescriptors } from './owned-descriptors.js';
import type { ShardEvents, ShardHandle } from './shard-handle.js';
import type { Command, Report, ShardSetup } from './shard-messages.js';

/** What the thread is started with. */
export interface ThreadSetup extends ShardSetup {
  /** Written when commands wait: the thread sleeps in epoll_wait, and looks at its message port only then. */
  readonly eventDescriptor: number;
  /** One word, 1 once the thread has looked up its system calls. */
  readonly started: SharedArrayBuffer;
}

/**
 * How each thread is stopped, and the word that tells whether it has started. process.exit waits for threads that are
 * blocked in a call: one listener stops them all, however many there are.
 */
const running = new Map<() => void, Int32Array>();
function stopRunning(): void {
  for (const stop of running.keys()) stop();
  // A thread must not be ended while it looks up its calls, which it does as it starts (sys/ffi.ts).
  for (const started of running.values()) Atomics.wait(started, 0, 0, limits.threadStartMs);
}

export class ThreadShard implements ShardHandle {
  readonly #worker: Worker;
  readonly #eventDescriptor: number;
  readonly #one: Region;
  readonly #calls = unistd();
  readonly #owned: OwnedDescriptors;
  readonly #exited: Promise<void>;
  #stopping = false;
  #gone = false;
  #flowsEnded = 0;
  #cause: string | undefined;

  constructor(setup: ShardSetup, events: ShardEvents) {
    this.#owned = new OwnedDescriptors(setup.owned, setup.place);
    this.#eventDescriptor = checked('eventfd', eventfd().create());
    this.#one = mapRegion(4096);
    new Uint32Array(this.#one.buffer)[0] = 1;
    const started = new SharedArrayBuffer(4);
    const workerData: ThreadSetup = { ...setup, eventDescriptor: this.#eventDescriptor, started };
    this.#worker = new Worker(new URL('./shard-thread.js', import.meta.url), { workerData });
    this.#worker.on('message', (report: Report) => {
      if (report.kind === 'failed') {
        this.#cause = report.cause;
        this.#flowsEnded = report.flows;
      } else events.report(report);
    });
    this.#worker.on('error', (error) => {
      this.#cause ??= messageOf(error);
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#cleanUp();
        resolve();
        if (!this.#stopping) events.died(this.#cause ?? 'its thread ended', this.#flowsEnded);
      });
    });
    if (running.size === 0) process.on('exit', stopRunning);
    running.set(this.#stopNow, new Int32Array(started));
  }

  /** Not written once the thread has ended: its eventfd's number may be some flow's by now. */
  send(command: Command): boolean {
    if (this.#gone) return false;
    this.#worker.postMessage(command);
    this.#calls.write(this.#eventDescriptor, this.#one.address, 8);
    return true;
  }

  async stop(): Promise<void> {
    this.#stopNow();
    await this.#exited;
  }

  readonly #stopNow = (): void => {
    if (this.#stopping) return;
    this.#stopping = true;
    this.send({ kind: 'stop' });
  };

  #cleanUp(): void {
    this.#gone = true;
    running.delete(this.#stopNow);
    if (running.size === 0) process.off('exit', stopRunning);
    this.#owned.closeAll();
    this.#calls.close(this.#eventDescriptor);
    unmapRegion(this.#one);
  }
}

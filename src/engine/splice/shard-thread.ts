/**
 * A shard's thread: its loop, which blocks in epoll_wait. While it does, none of this thread's timers, promises or message
 * events run. Commands therefore come by a written eventfd, after which the message port is read; reports go out by
 * postMessage, which needs no turn of this thread's loop.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EPOLLIN } from '../../sys/epoll.js';
import { mapRegion } from '../../sys/mman.js';
import { unistd } from '../../sys/unistd.js';
import type { Handler } from './event-loop.js';
import { Shard } from './shard.js';
import type { Command, Report } from './shard-messages.js';
import type { ThreadSetup } from './thread-shard.js';

const setup = workerData as ThreadSetup;
const { eventDescriptor } = setup;
const { read } = unistd();
const counter = mapRegion(4096);
const shard = new Shard(setup, (report) => parentPort?.postMessage(report));
const started = new Int32Array(setup.started);
Atomics.store(started, 0, 1);
Atomics.notify(started, 0);

function obeyCommands(): void {
  if (parentPort === null) return;
  for (;;) {
    const received = receiveMessageOnPort(parentPort) as { message: Command } | undefined;
    if (received === undefined) return;
    shard.obey(received.message);
  }
}

const commands: Handler = {
  onEvents: () => {
    read(eventDescriptor, counter.address, 8);
    obeyCommands();
  },
  onFault: (error) => {
    throw error;
  },
};

const errno = shard.loop.add(eventDescriptor, commands, EPOLLIN);
if (errno !== 0) throw new Error(`epoll would not watch the eventfd: errno ${errno}`);
try {
  obeyCommands();
  parentPort?.postMessage({ kind: 'ready' } satisfies Report);
  shard.loop.run();
} catch (error) {
  shard.fail(error);
}
shard.free();

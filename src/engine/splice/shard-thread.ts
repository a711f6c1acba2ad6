/** A shard's own thread: nothing but its loop, for as long as it lasts. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Shard } from './shard.js';
import type { Command, ShardStart } from './shard-messages.js';

const port = parentPort;
if (port === null) throw new Error('shard-thread.js is started as a worker thread, never by itself');

const shard = new Shard(workerData as ShardStart, {
  receive: () => (receiveMessageOnPort(port) as { message: Command } | undefined)?.message,
  report: (report) => port.postMessage(report),
});
while (shard.turn());

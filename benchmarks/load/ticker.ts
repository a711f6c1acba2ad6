/** A thread that tells the time: a message at every tick, far finer than a timer of the event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import { nowUs } from './clock.js';

export interface TickerData {
  readonly startUs: number;
  readonly everyUs: number;
  readonly ticks: number;
}

const { startUs, everyUs, ticks } = workerData as TickerData;
const neverWritten = new Int32Array(new SharedArrayBuffer(4));

for (let tick = 0; tick < ticks; tick += 1) {
  const waitUs = startUs + tick * everyUs - nowUs();
  if (waitUs > 0) Atomics.wait(neverWritten, 0, 0, waitUs / 1_000);
  parentPort?.postMessage(tick);
}

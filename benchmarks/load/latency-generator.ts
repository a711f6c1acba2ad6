/**
 * Messages at a fixed rate through a TCP echo: `latency-generator.js PORT CONNECTIONS RATE SECONDS`. Prints one line of
 * JSON, latencies in milliseconds.
 *
 * Free of coordinated omission: message k is due at the start + k / RATE and is sent then, whatever has become of those
 * before it, and its latency counts from when it was due. Connections take turns, and each gives its messages back in
 * order, so that the n-th to come back tells which it was. One that is still missing at the end counts with the time that
 * it has taken by then.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { nowUs } from './clock.js';
import { endWithParent } from './end-with-parent.js';
import type { TickerData } from './ticker.js';

const messageBytes = 64;
/** For the last messages to come back. */
const graceMs = 1_000;
/** Of any run: no latency is longer. */
const longestUs = 3_600_000_000;
/** Before the first is due: the ticker runs by then. */
const leadUs = 100_000;
const [port = 0, connections = 1, rate = 1, seconds = 1] = process.argv.slice(2).map(Number);

endWithParent();
const all = Math.round(rate * seconds);
const everyUs = 1_000_000 / rate;
const message = Buffer.alloc(messageBytes, 'x');
// Node's own is HdrHistogram, by its inventor's code; of microseconds, in three digits.
const histogram = createHistogram({ lowest: 1, highest: longestUs, figures: 3 });
const sockets = await Promise.all(Array.from({ length: connections }, open));
const bytesBack = new Float64Array(connections);
const returned = new Int32Array(connections);
const sentBy = new Int32Array(connections);
let sent = 0;
let lateUs = 0;

for (const [index, socket] of sockets.entries()) socket.on('data', (chunk) => receive(index, chunk.length));
const startUs = nowUs() + leadUs;
const data: TickerData = { startUs, everyUs, ticks: all };
const ticker = new Worker(new URL('./ticker.js', import.meta.url), { workerData: data });
ticker.on('message', sendDue);
await once(ticker, 'exit');
await allBack();
const missing = countMissing();
const at = (percentile: number) => histogram.percentile(percentile) / 1_000;
console.log(
  JSON.stringify({ sent, missing, late: lateUs / sent / 1_000, p50: at(50), p99: at(99), p999: at(99.9) }),
);
process.exit();

async function open(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

function dueUs(number: number): number {
  return startUs + number * everyUs;
}

function sendDue(): void {
  const now = nowUs();
  while (sent < all && dueUs(sent) <= now) {
    const index = sent % connections;
    lateUs += now - dueUs(sent);
    sockets[index]?.write(message);
    sentBy[index] = (sentBy[index] ?? 0) + 1;
    sent += 1;
  }
}

function receive(index: number, bytes: number): void {
  const now = nowUs();
  const back = (bytesBack[index] ?? 0) + bytes;
  bytesBack[index] = back;
  while (((returned[index] ?? 0) + 1) * messageBytes <= back) record(index, now);
}

/** The next of a connection is back, or given up. */
function record(index: number, now: number): void {
  const turn = returned[index] ?? 0;
  returned[index] = turn + 1;
  histogram.record(Math.max(1, Math.round(now - dueUs(turn * connections + index))));
}

async function allBack(): Promise<void> {
  const endMs = performance.now() + graceMs;
  while (histogram.count < sent && performance.now() < endMs) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function countMissing(): number {
  const now = nowUs();
  const missing = sent - histogram.count;
  for (let index = 0; index < connections; index += 1) {
    while ((returned[index] ?? 0) < (sentBy[index] ?? 0)) record(index, now);
  }
  return missing;
}

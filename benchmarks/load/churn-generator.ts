/**
 * Connections that come and go, as fast as they do: `churn-generator.js PORT AT_ONCE SECONDS`. Each has a byte echoed and
 * then finishes; the next follows when it has closed. Prints one line of JSON, times in milliseconds from the connect to
 * the echo.
 */
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { nowUs } from './clock.js';
import { endWithParent } from './end-with-parent.js';

const [port = 0, atOnce = 1, seconds = 1] = process.argv.slice(2).map(Number);

endWithParent();
const histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
let failed = 0;
const startUs = nowUs();
const endUs = startUs + seconds * 1_000_000;
await Promise.all(Array.from({ length: atOnce }, oneAfterTheOther));
const elapsed = (nowUs() - startUs) / 1_000_000;
const at = (percentile: number) => histogram.percentile(percentile) / 1_000;
const report = { connections: histogram.count, failed, p50: at(50), p99: at(99), seconds: elapsed };
console.log(JSON.stringify(report));
process.exit();

async function oneAfterTheOther(): Promise<void> {
  while (nowUs() < endUs) await comeAndGo();
}

function comeAndGo(): Promise<void> {
  const beganUs = nowUs();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {
    failed += 1;
  });
  socket.on('connect', () => socket.write('x'));
  socket.once('data', () => {
    histogram.record(Math.max(1, nowUs() - beganUs));
    socket.end();
  });
  return new Promise((resolve) => {
    socket.on('close', () => resolve());
  });
}

/**
 * A program: requests to 127.0.0.1 at a steady rate, each on a connection of its own, until its stdin ends; then one JSON
 * array of what became of each. It runs in the network namespace that it is started in.
 */
import { get } from 'node:http';

export interface RequestRecord {
  /** Wall clock, in ms since 1970. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** The errno, or the status where that is not 200; undefined where it was answered. */
  readonly failure: string | undefined;
}

function request(port: number): Promise<RequestRecord> {
  const startedAtMs = Date.now();
  return new Promise((resolve) => {
    const done = (failure: string | undefined) => resolve({ startedAtMs, endedAtMs: Date.now(), failure });
    const asked = get({ host: '127.0.0.1', port, agent: false }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode === 200 ? undefined : String(response.statusCode)));
      response.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

const [port = 0, perSecond = 0] = process.argv.slice(2).map(Number);
const requests: Promise<RequestRecord>[] = [];
const startedAtMs = performance.now();
const ticks = setInterval(() => {
  // By the clock, so that a tick that comes late is made up for.
  const due = ((performance.now() - startedAtMs) / 1000) * perSecond;
  while (requests.length < due) requests.push(request(port));
}, 5);
process.stdin.resume().on('end', async () => {
  clearInterval(ticks);
  process.stdout.write(JSON.stringify(await Promise.all(requests)));
});

/**
 * HTTP by autocannon, in threads of its own: `http-generator.js PORT CONNECTIONS REQUESTS_EACH SECONDS`; a connection is
 * given up after REQUESTS_EACH, and never where that is 0. Prints one line of JSON.
 */
import { availableParallelism } from 'node:os';
import autocannon from 'autocannon';
import { endWithParent } from './end-with-parent.js';

const [port = 0, connections = 1, requestsEach = 0, seconds = 1] = process.argv.slice(2).map(Number);

endWithParent();
const { requests, errors, timeouts, non2xx, duration } = await autocannon({
  url: `http://127.0.0.1:${port}/`,
  connections,
  duration: seconds,
  // The other half is the proxy's and the target's.
  workers: Math.max(1, availableParallelism() >> 1),
  ...(requestsEach === 0 ? {} : { headers: { connection: 'close' } }),
});
console.log(
  JSON.stringify({ requests: requests.total, errors: errors + timeouts + non2xx, seconds: duration }),
);
process.exit();

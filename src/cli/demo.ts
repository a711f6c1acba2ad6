/** `sluice demo`: a built-in HTTP and UDP echo target, published, with what to try. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { formatEndpoint } from '../address/endpoint.js';
import { shardsAsNeeded } from '../engine/shard-plan.js';
import { type Instance, startInstance } from '../instance/instance.js';
import { openEngineKit } from '../instance/open-engine-kit.js';
import { limits } from '../limits.js';
import { openLog } from '../log/log.js';
import { defaultFlowOptions, expandSpec } from '../publish/mapping.js';
import { parsePublishSpec } from '../publish/publish-spec.js';
import { parseTarget } from '../publish/target-spec.js';
import { printPublished } from './run.js';
import { serveUntilStopped } from './stop-signals.js';
import { exitCodes } from './tell-error.js';

const loopback = '127.0.0.1';

/** Ends the process, as `serveUntilStopped` asks. */
export async function demo(): Promise<never> {
  const target = await startDemoTarget();
  const base = { name: 'demo', in: undefined, target: parseTarget(loopback), options: defaultFlowOptions };
  const specs = [`${loopback}::${target.httpPort}/tcp`, `${loopback}::${target.udpPort}/udp`];
  const mappings = specs.flatMap((spec) => expandSpec(parsePublishSpec(spec), base));
  const log = await openLog({ level: 'info', name: 'demo', terminal: process.stderr.isTTY });
  try {
    const kit = await openEngineKit('auto', shardsAsNeeded());
    const starting = startInstance({ mappings, kit, log: log.logger, accessLog: true });
    await serveUntilStopped(starting, {
      started: (instance) => printWhatToTry(instance, log.logger),
      drainTimeoutMs: limits.drainTimeoutMs,
      log: log.logger,
    });
  } finally {
    target.close();
    await log.flush();
  }
  process.exit(exitCodes.done);
}

function printWhatToTry(instance: Instance, log: Logger): void {
  printPublished(instance, log);
  const [http, udp] = instance.published.map(({ endpoint }) => endpoint);
  if (http === undefined || udp === undefined) return;
  process.stdout.write(`
Try, in another terminal:
  curl http://${formatEndpoint(http)}/
  curl --data-binary @FILE http://${formatEndpoint(http)}/ | cmp - FILE
  bash -c 'exec 3<>/dev/udp/${udp.ip.text}/${udp.port}; echo hello >&3; head -n 1 <&3'
Each flow's end is logged here. Ctrl-C stops.
`);
}

/** HTTP: greets a GET, sends back what is posted. UDP: sends every datagram back. */
async function startDemoTarget() {
  const http = createServer((request, response) => {
    if (request.method === 'POST') request.pipe(response);
    else response.end(`Hello from behind sluice: you asked for ${request.url}\n`);
  });
  const udp = createSocket('udp4', (datagram, from) => udp.send(datagram, from.port, from.address));
  http.listen(0, loopback);
  udp.bind(0, loopback);
  await Promise.all([once(http, 'listening'), once(udp, 'listening')]);
  return {
    httpPort: (http.address() as AddressInfo).port,
    udpPort: udp.address().port,
    close: () => {
      http.close();
      http.closeAllConnections();
      udp.close();
    },
  };
}

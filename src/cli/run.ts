/** `sluice run`: publishes until it is told to stop. */
import { formatEndpoint } from '../address/endpoint.js';
import { openEngineKit } from '../instance/engine-kit.js';
import { type Instance, startInstance } from '../instance/instance.js';
import { openLog } from '../log/log.js';
import { formatTargetPort } from '../publish/mapping.js';
import type { RunOptions } from './run-options.js';
import { readRunRequest } from './run-request.js';
import { serveUntilStopped } from './stop-signals.js';
import { type ExitCode, exitCodes } from './tell-error.js';

export async function run(options: RunOptions): Promise<ExitCode> {
  const { name, mappings, drainTimeoutMs, shards } = await readRunRequest(options);
  const log = await openLog({ level: options.logLevel, name, terminal: process.stderr.isTTY });
  const kit = await openEngineKit(options.engine, shards);
  const { accessLog } = options;
  let served = true;
  try {
    const starting = startInstance({ mappings, kit, log: log.logger, accessLog });
    served = await serveUntilStopped(starting, {
      started: printPublished,
      drainTimeoutMs,
      log: log.logger,
    });
  } finally {
    await log.flush();
  }
  // A start that was called off may have listeners and a look-up under way, which would keep the process.
  if (!served) process.exit(exitCodes.done);
  return exitCodes.done;
}

/** As `docker port` prints them: `80/tcp -> 127.0.0.1:49155`. */
export function printPublished({ published }: Instance): void {
  const lines = published.map(
    ({ mapping, endpoint }) => `${formatTargetPort(mapping)} -> ${formatEndpoint(endpoint)}\n`,
  );
  // Whoever read our stdout may be gone: that is no reason to stop forwarding.
  process.stdout.on('error', () => undefined);
  process.stdout.write(lines.join(''));
}

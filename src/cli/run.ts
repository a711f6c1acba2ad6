/** `sluice run`: publishes until it is told to stop. */
import { formatEndpoint } from '../address/endpoint.js';
import { engineKit } from '../instance/engine-kit.js';
import { type Instance, startInstance } from '../instance/instance.js';
import { openLog } from '../log/log.js';
import { formatTargetPort } from '../publish/mapping.js';
import type { RunOptions } from './main.js';
import { readRunRequest } from './run-request.js';
import { untilStopped } from './stop-signals.js';
import { type ExitCode, exitCodes } from './tell-error.js';

export async function run(options: RunOptions): Promise<ExitCode> {
  const { name, mappings, drainTimeoutMs } = await readRunRequest(options);
  const log = await openLog({ level: options.logLevel, name, terminal: process.stderr.isTTY });
  const kit = engineKit(options.engine);
  const { accessLog } = options;
  try {
    const instance = await startInstance({ mappings, kit, log: log.logger, accessLog });
    printPublished(instance);
    await untilStopped(instance, drainTimeoutMs, log.logger);
  } finally {
    await log.flush();
  }
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

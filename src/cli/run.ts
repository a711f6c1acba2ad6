/** `sluice run`: publishes until it is told to stop. */
import type { Logger } from 'pino';
import { formatEndpoint } from '../address/endpoint.js';
import { type Claim, claimName } from '../admin/claim.js';
import type { ControlServer } from '../admin/control-server.js';
import { serveWhenAsked } from '../admin/serve-when-asked.js';
import { SluiceError } from '../errors.js';
import { type Instance, startInstance } from '../instance/instance.js';
import { openEngineKit } from '../instance/open-engine-kit.js';
import { openLog } from '../log/log.js';
import { surviveFaults } from '../log/survive-faults.js';
import { formatTargetPort } from '../publish/mapping.js';
import { onStdoutFault } from './print-answer.js';
import type { RunOptions } from './run-options.js';
import { readRunRequest } from './run-request.js';
import { type ServeOptions, serveUntilStopped } from './stop-signals.js';
import { exitCodes } from './tell-error.js';

/** Ends the process, as `serveUntilStopped` asks. */
export async function run(options: RunOptions): Promise<never> {
  const letMemoryGrow = options.config === undefined ? undefined : await holdMemory();
  const { name, mappings, drainTimeoutMs, shards } = await readRunRequest(options);
  const log = await openLog({ level: options.logLevel, name, terminal: process.stderr.isTTY });
  surviveFaults((message) => log.logger.error(message));
  const { accessLog } = options;
  let claim: Claim | undefined;
  let control: ControlServer | undefined;
  let flowsReset: number | undefined;
  const started: ServeOptions['started'] = (instance, stop) => {
    printPublished(instance, log.logger);
    letMemoryGrow?.();
    if (claim === undefined) return;
    const stopIn = (timeoutMs: number) => stop({ by: 'sluice stop', drainTimeoutMs: timeoutMs });
    control = serveWhenAsked(claim, { instance, mappings, drainTimeoutMs, stop: stopIn }, log.logger);
  };
  try {
    // Before anything is bound, so that a second instance of this name publishes nothing.
    const claiming = options.control ? claimOrExplain(name, log.logger) : undefined;
    const [kit] = await Promise.all([openEngineKit(options.engine, shards), claiming]);
    claim = await claiming;
    const starting = startInstance({ mappings, kit, log: log.logger, accessLog });
    flowsReset = await serveUntilStopped(starting, { started, drainTimeoutMs, log: log.logger });
  } finally {
    claim?.release();
    await control?.stopped(flowsReset ?? 0);
    await log.flush();
  }
  process.exit(exitCodes.done);
}

/** Loaded only where there may be many mappings: with one there is nothing to save, and loading it takes 2 ms. */
async function holdMemory(): Promise<() => void> {
  const { holdYoungGeneration } = await import('./young-generation.js');
  return holdYoungGeneration();
}

/** A machine without a folder for it (a read-only container) runs it all the same. */
async function claimOrExplain(name: string, log: Logger): Promise<Claim | undefined> {
  try {
    return await claimName(name);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'SLUICE_NO_RUNTIME_FOLDER') throw error;
    log.warn(
      `sluice ls, port, logs, … cannot reach this instance: ${error.message}; --no-control leaves it at that`,
    );
    return undefined;
  }
}

/** As `docker port` prints them: `80/tcp -> 127.0.0.1:49155`. */
export function printPublished({ published }: Instance, log: Logger): void {
  const lines = published.map(
    ({ mapping, endpoint }) => `${formatTargetPort(mapping)} -> ${formatEndpoint(endpoint)}`,
  );
  // That is no reason to stop forwarding, but nothing else says which ports the free ones are.
  onStdoutFault(({ message }) => log.warn(`${message}; published: ${lines.join(', ')}`));
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

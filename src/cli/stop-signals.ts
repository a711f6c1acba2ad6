import type { Logger } from 'pino';
import type { Instance } from '../instance/instance.js';
import { limits } from '../limits.js';

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** That the instance is to end. */
interface StopRequest {
  /** What asked for it, such as a signal. */
  readonly by: string;
  readonly drainTimeoutMs: number;
}

export interface ServeOptions {
  /** Called once the instance forwards; `stop` does what a stop signal does. */
  readonly started: (instance: Instance, stop: (request: StopRequest) => void) => void;
  readonly drainTimeoutMs: number;
  readonly log: Logger;
}

/**
 * Waits for the start, calls `started`, waits for a stop signal, then drains; a second signal ends what is left at
 * once. Done when all is closed.
 *
 * A signal that comes while the instance is still starting ends the wait: what the start has under way is left to
 * the end of the process. Without a listener process 1 of a container would not even notice the signal.
 *
 * What comes after it has to end in `process.exit`. A start that was called off may have listeners and a look-up under
 * way; and the signals stay taken, while Node's own end would give them back first: one that came then would end the
 * process as if nobody had asked it to stop.
 *
 * It is this wait that keeps the process: an instance without a port, or whose only shard waits to be started anew,
 * has nothing open that would.
 *
 * @returns how many flows were reset; undefined where a signal came before the start was done
 */
export async function serveUntilStopped(
  starting: Promise<Instance>,
  { started, drainTimeoutMs, log }: ServeOptions,
): Promise<number | undefined> {
  const requests = listenForStop(drainTimeoutMs);
  try {
    const firstRequest = requests.next();
    const instance = await Promise.race([starting, firstRequest.then(() => undefined)]);
    if (instance === undefined) {
      log.info('stopped before everything was published');
      return undefined;
    }
    started(instance, requests.push);
    return await drainAt(await firstRequest, instance, requests, log);
  } finally {
    requests.letProcessEnd();
  }
}

async function drainAt(
  { by, drainTimeoutMs }: StopRequest,
  instance: Instance,
  requests: StopRequests,
  log: Logger,
): Promise<number> {
  const drained = instance.drain(drainTimeoutMs);
  log.info(
    { signal: by },
    `${by}: no new flows; those in progress have ${drainTimeoutMs / 1000} s to finish`,
  );
  void requests.next().then((second) => {
    log.warn({ signal: second.by }, `a second signal (${second.by}): ending at once`);
    return instance.close();
  });
  const reset = await drained;
  if (reset > 0) log.warn({ flows: reset }, `the drain timeout ended: ${reset} flows were reset`);
  log.info('stopped');
  return reset;
}

interface StopRequests {
  next(): Promise<StopRequest>;
  readonly push: (request: StopRequest) => void;
  letProcessEnd(): void;
}

/** In the order they come, none lost. */
function listenForStop(drainTimeoutMs: number): StopRequests {
  const came: StopRequest[] = [];
  let waiting: ((request: StopRequest) => void) | undefined;
  const push = (request: StopRequest) => {
    if (waiting === undefined) came.push(request);
    else waiting(request);
    waiting = undefined;
  };
  const onSignal = (signal: NodeJS.Signals) => push({ by: signal, drainTimeoutMs });
  for (const signal of stopSignals) process.on(signal, onSignal);
  const keepAlive = setInterval(() => undefined, limits.durationMs);
  return {
    push,
    next: () =>
      new Promise((resolve) => {
        const request = came.shift();
        if (request === undefined) waiting = resolve;
        else resolve(request);
      }),
    letProcessEnd: () => clearInterval(keepAlive),
  };
}

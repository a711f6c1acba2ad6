import type { Logger } from 'pino';
import type { Instance } from '../instance/instance.js';

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/**
 * Waits for the start, calls `started`, waits for a stop signal, then drains; a second signal ends what is left at
 * once. Done when all is closed.
 *
 * A signal that comes while the instance is still starting ends the wait: what the start has under way is left to
 * the end of the process. Without a listener process 1 of a container would not even notice the signal.
 *
 * @returns false where a signal came before the start was done
 */
export async function serveUntilStopped(
  starting: Promise<Instance>,
  { started, drainTimeoutMs, log }: ServeOptions,
): Promise<boolean> {
  const signals = listenForStop();
  try {
    const firstSignal = signals.next();
    const instance = await Promise.race([starting, firstSignal.then(() => undefined)]);
    if (instance === undefined) {
      log.info('stopped before everything was published');
      return false;
    }
    started(instance);
    await drainAt(await firstSignal, instance, signals, drainTimeoutMs, log);
    return true;
  } finally {
    signals.close();
  }
}

export interface ServeOptions {
  readonly started: (instance: Instance) => void;
  readonly drainTimeoutMs: number;
  readonly log: Logger;
}

async function drainAt(
  first: string,
  instance: Instance,
  signals: StopSignals,
  drainTimeoutMs: number,
  log: Logger,
): Promise<void> {
  const drained = instance.drain(drainTimeoutMs);
  log.info(
    { signal: first },
    `${first}: no new flows; those in progress have ${drainTimeoutMs / 1000} s to finish`,
  );
  void signals.next().then((second) => {
    log.warn({ signal: second }, `a second signal (${second}): ending at once`);
    return instance.close();
  });
  const reset = await drained;
  if (reset > 0) log.warn({ flows: reset }, `the drain timeout ended: ${reset} flows were reset`);
  log.info('stopped');
}

interface StopSignals {
  next(): Promise<string>;
  close(): void;
}

/** Signals in the order they come, none lost. */
function listenForStop(): StopSignals {
  const came: string[] = [];
  let waiting: ((signal: string) => void) | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (waiting === undefined) came.push(signal);
    else waiting(signal);
    waiting = undefined;
  };
  for (const signal of stopSignals) process.on(signal, onSignal);
  return {
    next: () =>
      new Promise<string>((resolve) => {
        const signal = came.shift();
        if (signal === undefined) waiting = resolve;
        else resolve(signal);
      }),
    close: () => {
      for (const signal of stopSignals) process.off(signal, onSignal);
    },
  };
}

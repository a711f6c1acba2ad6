import type { Logger } from 'pino';
import type { Instance } from '../instance/instance.js';

const stopSignals = ['SIGTERM', 'SIGINT'] as const;

/** Waits for a stop signal, then drains; a second signal ends what is left at once. Done when all is closed. */
export async function untilStopped(instance: Instance, drainTimeoutMs: number, log: Logger): Promise<void> {
  const signals = listenForStop();
  const first = await signals.next();
  log.info(
    { signal: first },
    `${first}: no new flows; those in progress have ${drainTimeoutMs / 1000} s to finish`,
  );
  const drained = instance.drain(drainTimeoutMs);
  void signals.next().then((second) => {
    log.warn({ signal: second }, `${second} again: ending at once`);
    return instance.close();
  });
  const reset = await drained;
  if (reset > 0) log.warn({ flows: reset }, `the drain timeout ended: ${reset} flows were reset`);
  log.info('stopped');
  signals.close();
}

/** Signals in the order they come, none lost. */
function listenForStop() {
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

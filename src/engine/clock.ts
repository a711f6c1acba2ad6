/** Where an engine's time comes from, so that tests can turn it forward. */
export interface Clock {
  /** Milliseconds that never run backwards. */
  now(): number;
  /** Calls once after `ms`; the function returned calls it off. A pending call keeps no process alive. */
  after(ms: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

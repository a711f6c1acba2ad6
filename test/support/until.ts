import { setTimeout as pause } from 'node:timers/promises';

/** A test that has waited this long fails: far longer than anything here takes on a slow machine. */
const deadlineMs = 20_000;
const pollMs = 5;

/** Waits until a condition holds; fails with what it was waiting for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedMs > deadlineMs) throw new Error(`waited ${deadlineMs} ms for: ${what}`);
    await pause(pollMs);
  }
}

/** Waits until a number has stayed what it is for `quietMs`: for "it stops growing", which no event tells. */
export async function settled(what: string, read: () => number, quietMs = 300): Promise<number> {
  let last = read();
  let sinceMs = performance.now();
  await until(`${what} to settle`, () => {
    const now = read();
    if (now !== last) {
      last = now;
      sinceMs = performance.now();
    }
    return performance.now() - sinceMs >= quietMs;
  });
  return last;
}

/** Waits for an event, bounded: at the deadline it fails with what was seen. */
export async function withDeadline<T>(promise: Promise<T>, seen: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${deadlineMs} ms are over: ${seen()}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

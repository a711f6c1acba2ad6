import { afterEach } from '@jest/globals';

/** What a test opened, closed after it in reverse order, whether it passed or not. */
export interface Scope {
  onEnd(close: () => unknown): void;
}

/** Makes a scope for the tests of the describe block it is called in. */
export function useScope(): Scope {
  const open: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  return { onEnd: (close) => open.push(close) };
}

import { expect, it } from '@jest/globals';
import { type NamespaceCalls, NetworkNamespaces } from '../../src/sys/network-namespace.js';
import { describeWhere } from '../support/machine.js';

/** Calls of which setns fails from the given one on. */
function failingSetns(failsAt: number): NamespaceCalls {
  let calls = 0;
  return {
    open: () => 10,
    close: () => 0,
    setns: () => {
      calls += 1;
      return calls >= failsAt ? -1 : 0;
    },
    errno: () => 1,
  };
}

describeWhere(process.platform === 'linux', 'not Linux', 'a visit to a network namespace', () => {
  it('that cannot be made gives the errno, and is no disaster', () => {
    const namespaces = new NetworkNamespaces(failingSetns(1));
    expect(namespaces.make('/', () => 7)).toBe(-1);
  });

  it('gives what was made inside, or the negative errno', () => {
    const namespaces = new NetworkNamespaces({ ...failingSetns(100), errno: () => 24 });
    expect(namespaces.make('/', () => 7)).toBe(7);
    expect(namespaces.make('/', () => -1)).toBe(-24);
  });

  it.each(['make', 'within'] as const)('that cannot end is one: %s', (way) => {
    const namespaces = new NetworkNamespaces(failingSetns(2), (error) => {
      throw error;
    });
    const visit = {
      make: () => namespaces.make('/', () => 7),
      within: () => namespaces.within('/run/netns/blue', () => 7),
    }[way];
    expect(visit).toThrow(
      expect.objectContaining({
        name: 'StrandedError',
        message: 'this thread cannot return to its own network namespace: setns: EPERM',
      }),
    );
  });
});

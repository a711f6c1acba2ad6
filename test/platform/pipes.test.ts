/** What the pool of pipes believes of the kernel's bound on a user's pages in pipes (pipe(7)). */
import { expect, test } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { describeWhere } from '../support/machine.js';
import { unprivilegedPipes, whyNoUnprivilegedPipes } from '../support/unprivileged-pipes.js';

const why = whyNoUnprivilegedPipes();

describeWhere(why === undefined, why ?? '', 'a user without privileges', () => {
  test('is given large pipes up to its bound, and past it small ones that cannot be made larger, no failure', () => {
    const pipes = unprivilegedPipes(limits.pipeBytes);
    const [first, last] = [pipes.at(0), pipes.at(-1)];
    expect([first?.refused, last?.refused]).toEqual(['', 'EPERM']);
    expect(first?.bytes).toBeGreaterThanOrEqual(limits.leastPipeBytes);
    expect(last?.bytes).toBeLessThan(limits.leastPipeBytes);
  });
});

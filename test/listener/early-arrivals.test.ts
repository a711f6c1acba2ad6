import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { EarlyArrivals } from '../../src/listener/early-arrivals.js';

function arrivalsOf(count: number) {
  const discarded: number[] = [];
  const arrivals = new EarlyArrivals<number>((arrival) => discarded.push(arrival));
  for (let arrival = 0; arrival < count; arrival += 1) arrivals.arrive(arrival);
  return { arrivals, discarded };
}

describe('early arrivals', () => {
  it('are handed over in order, and those that come later after them', () => {
    const { arrivals } = arrivalsOf(3);
    const taken: number[] = [];
    arrivals.handTo((arrival) => taken.push(arrival));
    arrivals.arrive(3);
    expect(taken).toEqual([0, 1, 2, 3]);
  });

  it('are handed over once', () => {
    const { arrivals, discarded } = arrivalsOf(3);
    arrivals.handTo(() => undefined);
    arrivals.discardAll();
    expect(discarded).toEqual([]);
  });

  it('are bounded: the first are kept, the others discarded and counted', () => {
    const { arrivals, discarded } = arrivalsOf(limits.earlyArrivals + 2);
    const taken: number[] = [];
    arrivals.handTo((arrival) => taken.push(arrival));
    expect(taken).toEqual(Array.from({ length: limits.earlyArrivals }, (_, index) => index));
    expect(discarded).toEqual([limits.earlyArrivals, limits.earlyArrivals + 1]);
    expect(arrivals.dropped).toBe(2);
  });

  it('are discarded where nobody takes them', () => {
    const { arrivals, discarded } = arrivalsOf(2);
    arrivals.discardAll();
    expect(discarded).toEqual([0, 1]);
    expect(arrivals.dropped).toBe(0);
  });
});

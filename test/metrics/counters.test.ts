import { describe, expect, it } from '@jest/globals';
import { Counters, counterNames, writeCounters } from '../../src/metrics/counters.js';

describe('Counters', () => {
  it('begin at zero, every one of them', () => {
    expect(new Counters().snapshot()).toEqual(Object.fromEntries(counterNames.map((name) => [name, 0])));
  });

  it('count apart, by one or by an amount', () => {
    const counters = new Counters();
    counters.add('flowsOpened');
    counters.add('flowsOpened');
    counters.add('bytesIn', 1500);
    expect(counters.snapshot()).toMatchObject({ flowsOpened: 2, flowsEnded: 0, bytesIn: 1500, bytesOut: 0 });
  });

  it('are exact far beyond 32 bits', () => {
    const counters = new Counters();
    counters.add('bytesOut', 2 ** 52);
    counters.add('bytesOut', 1);
    expect(counters.snapshot().bytesOut).toBe(2 ** 52 + 1);
  });

  it('are seen by whoever shares their memory', () => {
    const memory = new SharedArrayBuffer(counterNames.length * Float64Array.BYTES_PER_ELEMENT);
    const [writer, reader] = [new Counters(memory), new Counters(memory)];
    writer.add('datagramsIn', 7);
    expect(reader.snapshot().datagramsIn).toBe(7);
  });

  it('are told of outside in the key names of the log', () => {
    const counters = new Counters();
    counters.add('datagramsWithoutTarget', 3);
    const told = writeCounters(counters.snapshot());
    expect(told).toMatchObject({ datagrams_without_target: 3, bytes_in: 0 });
    expect(Object.keys(told)).toHaveLength(counterNames.length);
  });

  it('give a snapshot that stays as it was', () => {
    const counters = new Counters();
    const before = counters.snapshot();
    counters.add('dialsFailed');
    expect(before.dialsFailed).toBe(0);
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KeptDatagrams } from '../../src/engine/kept-datagrams.js';
import { limits } from '../../src/limits.js';

const textsOf = (kept: { readonly datagrams: readonly Uint8Array[] }) =>
  kept.datagrams.map((datagram) => Buffer.from(datagram).toString());

describe('the datagrams kept for an association', () => {
  it('come back in order, once, without those whose time is over', () => {
    const kept = new KeptDatagrams<string, Buffer>();
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      expect(kept.keep('a', Buffer.from(text), 100 + index)).toBe(0);
    }
    kept.keep('b', Buffer.from('other'), 200);
    const taken = kept.take('a', 101);
    expect(textsOf(taken)).toEqual(['three']);
    expect(taken.late).toBe(2);
    expect(kept.take('a', 0)).toEqual({ datagrams: [], late: 0 });
    expect(kept.associations()).toEqual(['b']);
  });

  it('are the newest, in number and in bytes, and every one lost is told', () => {
    const few = new KeptDatagrams<string, Buffer>();
    for (let index = 0; index < limits.waitingDatagrams; index += 1)
      few.keep('a', Buffer.from(`${index}`), 1);
    expect(few.keep('a', Buffer.from('last'), 1)).toBe(1);
    expect(textsOf(few.take('a', 0))).toEqual([
      ...Array.from({ length: limits.waitingDatagrams - 1 }, (_, index) => `${index + 1}`),
      'last',
    ]);
    const large = new KeptDatagrams<string, Buffer>();
    expect(large.keep('a', Buffer.alloc(65_507), 1)).toBe(0);
    expect(large.keep('a', Buffer.alloc(65_507), 1)).toBe(0 + 1);
    expect(large.drop('a')).toBe(1);
  });

  it('are bounded for all associations together: a client without any loses its own, and no other', () => {
    const kept = new KeptDatagrams<number, Buffer>();
    const fits = Math.floor(limits.waitingDatagramBytesInAll / 65_635);
    for (let client = 0; client < fits; client += 1)
      expect(kept.keep(client, Buffer.alloc(65_507), 1)).toBe(0);
    expect(kept.keep(fits, Buffer.alloc(65_507), 1)).toBe(1);
    expect(kept.size).toBe(fits);
    expect(kept.keep(0, Buffer.alloc(65_507), 1)).toBe(1);
    expect(kept.size).toBe(fits);
    kept.drop(1);
    expect(kept.keep(fits, Buffer.alloc(65_507), 1)).toBe(0);
  });

  it('are not lost for a newer one that has no room even then', () => {
    const kept = new KeptDatagrams<number, Buffer>();
    kept.keep(0, Buffer.from('early'), 1);
    const fits = Math.floor(limits.waitingDatagramBytesInAll / 65_635);
    for (let client = 1; client <= fits; client += 1) kept.keep(client, Buffer.alloc(65_507), 1);
    expect(kept.keep(0, Buffer.alloc(65_507), 1)).toBe(1);
    expect(textsOf(kept.take(0, 0))).toEqual(['early']);
  });

  it('are never more than the bounds, and none is lost uncounted', () => {
    const step = fc.record({
      client: fc.nat(3),
      what: fc.constantFrom('keep', 'keep', 'keep', 'keep', 'take', 'drop'),
      bytes: fc.oneof(fc.nat(100), fc.nat(65_507)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const kept = new KeptDatagrams<number, Buffer>();
        let [given, back, lost] = [0, 0, 0];
        const take = (client: number) => {
          const { datagrams, late } = kept.take(client, 0);
          expect(datagrams.length).toBeLessThanOrEqual(limits.waitingDatagrams);
          expect(datagrams.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(
            limits.waitingDatagramBytes,
          );
          back += datagrams.length;
          lost += late;
        };
        for (const { client, what, bytes } of steps) {
          if (what === 'take') take(client);
          else if (what === 'drop') lost += kept.drop(client);
          else {
            given += 1;
            lost += kept.keep(client, Buffer.alloc(bytes), 1);
          }
        }
        for (const client of kept.associations()) take(client);
        expect(kept.size).toBe(0);
        expect(back + lost).toBe(given);
      }),
    );
  });
});

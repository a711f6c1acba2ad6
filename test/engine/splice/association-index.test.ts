import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AssociationIndex, hashOf } from '../../../src/engine/splice/association-index.js';
import {
  type AssociationHost,
  localWords,
  nameWords,
  UdpAssociation,
} from '../../../src/engine/splice/udp-association.js';

const host: AssociationHost = { fromTarget: () => undefined, fault: () => undefined };
/** Where in memory a client's address stands. */
const nameWord = 3;

interface Client {
  readonly words: Int32Array;
  readonly local: Int32Array;
}

/** Clients that differ in one word of their address, or of ours, often only in a few bits. */
const client: fc.Arbitrary<Client> = fc
  .record({ word: fc.nat(nameWords + localWords - 1), value: fc.constantFrom(0, 1, 2, -1, 1 << 16, 1 << 31) })
  .map(({ word, value }) => {
    const all = new Int32Array(nameWords + localWords);
    all[word] = value;
    const words = new Int32Array(nameWord + nameWords);
    words.set(all.subarray(0, nameWords), nameWord);
    return { words, local: all.slice(nameWords) };
  });

const keyOf = ({ words, local }: Client) => `${words} ${local}`;

/** What all those here share, so that every chain is walked; or what the engine takes. */
const hashes = {
  'the same for all': () => 7,
  'the engine’s': ({ words, local }: Client) => hashOf(words, nameWord, local),
} as const;

describe.each(Object.entries(hashes))('the index, with hashes that are %s', (_name, hash) => {
  test('finds who was added and not deleted, and nobody else', () => {
    const step = fc.record({ add: fc.boolean(), client });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const index = new AssociationIndex();
        const model = new Map<string, UdpAssociation>();
        const find = (of: Client) => index.find(hash(of), of.words, nameWord, of.local);
        for (const { add, client: of } of steps) {
          const known = model.get(keyOf(of));
          expect(find(of)).toBe(known);
          if (add && known === undefined) {
            const made = new UdpAssociation(hash(of), of.words.slice(nameWord), of.local.slice(), 0, host);
            index.add(made);
            model.set(keyOf(of), made);
          } else if (!add && known !== undefined) {
            index.delete(known);
            model.delete(keyOf(of));
          }
          expect(new Set(index.all())).toEqual(new Set(model.values()));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('all of an index can be deleted while they are gone through', () => {
  const index = new AssociationIndex();
  for (let port = 0; port < 20; port += 1) {
    const name = new Int32Array(nameWords).fill(port);
    index.add(new UdpAssociation(port % 3, name, new Int32Array(localWords), 0, host));
  }
  let seen = 0;
  for (const association of index.all()) {
    index.delete(association);
    seen += 1;
  }
  expect([seen, [...index.all()]]).toEqual([20, []]);
});

test('hashes of many clients hardly ever meet, and are small integers', () => {
  const words = new Int32Array(nameWords);
  const local = new Int32Array(localWords);
  const seen = new Set<number>();
  for (let address = 0; address < 256; address += 1) {
    for (let port = 0; port < 256; port += 1) {
      // As a sockaddr_in has them: family and port, then the address, in network order.
      words[0] = 2 | ((port * 257) << 16);
      words[1] = 0x0000000a | (address << 24);
      const hash = hashOf(words, 0, local);
      seen.add(hash);
    }
  }
  expect([...seen].every((hash) => hash >= 0 && hash < 2 ** 30)).toBe(true);
  expect(seen.size).toBeGreaterThan(65_536 * 0.999);
});

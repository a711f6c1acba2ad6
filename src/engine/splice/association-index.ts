/**
 * Finds an association by its client's address and the local address it spoke to, read where the kernel wrote them: no
 * key is made for a datagram.
 */
import { localWords, nameWords, type UdpAssociation } from './udp-association.js';

export class AssociationIndex {
  /** Small integers are keys that a Map takes without an allocation; what shares one is chained. */
  readonly #byHash = new Map<number, UdpAssociation>();

  find(hash: number, words: Int32Array, nameWord: number, local: Int32Array): UdpAssociation | undefined {
    let candidate = this.#byHash.get(hash);
    while (candidate !== undefined && !isOf(candidate, words, nameWord, local))
      candidate = candidate.sameHash;
    return candidate;
  }

  add(association: UdpAssociation): void {
    association.sameHash = this.#byHash.get(association.hash);
    this.#byHash.set(association.hash, association);
  }

  delete(association: UdpAssociation): void {
    const head = this.#byHash.get(association.hash);
    if (head === association) {
      if (association.sameHash === undefined) this.#byHash.delete(association.hash);
      else this.#byHash.set(association.hash, association.sameHash);
      return;
    }
    let before = head;
    while (before !== undefined && before.sameHash !== association) before = before.sameHash;
    if (before !== undefined) before.sameHash = association.sameHash;
  }

  *all(): Generator<UdpAssociation> {
    for (const head of this.#byHash.values()) {
      let association: UdpAssociation | undefined = head;
      while (association !== undefined) {
        const next: UdpAssociation | undefined = association.sameHash;
        yield association;
        association = next;
      }
    }
  }
}

/** Mixes every word that tells clients apart into 30 bits, which is a small integer everywhere. */
export function hashOf(words: Int32Array, nameWord: number, local: Int32Array): number {
  let hash = 0;
  for (let word = 0; word < nameWords; word += 1) {
    hash = Math.imul(hash ^ (words[nameWord + word] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (let word = 0; word < localWords; word += 1) hash = Math.imul(hash ^ (local[word] ?? 0), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) & 0x3fffffff;
}

function isOf(association: UdpAssociation, words: Int32Array, nameWord: number, local: Int32Array): boolean {
  const { name } = association;
  for (let word = 0; word < nameWords; word += 1) if (name[word] !== words[nameWord + word]) return false;
  for (let word = 0; word < localWords; word += 1) if (association.local[word] !== local[word]) return false;
  return true;
}

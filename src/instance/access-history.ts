/**
 * The latest access records, for whoever asks for them. A ring: adding one is an assignment, and a reader that is slow
 * loses the oldest, is told how many, and holds nothing up.
 */
import { limits } from '../limits.js';
import type { AccessRecord } from '../log/access-record.js';

export interface DatedRecord {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly record: AccessRecord;
}

export interface HistoryPart {
  readonly records: readonly DatedRecord[];
  /** Records asked for that are not kept any more; they came before those given. */
  readonly lost: number;
  /** Where the next part begins. */
  readonly next: number;
}

export class AccessHistory {
  readonly #ring: DatedRecord[] = [];
  readonly #most: number;
  #added = 0;
  #closed = false;
  readonly #followers = new Set<() => void>();

  constructor(most: number = limits.accessRecords) {
    this.#most = most;
  }

  /** Records that there ever were: the number of the next one. */
  get added(): number {
    return this.#added;
  }

  get followers(): number {
    return this.#followers.size;
  }

  /** True once no record will follow. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whoever follows is told by `tellFollowers`, once for many records. */
  add(record: AccessRecord, atMs: number): void {
    this.#ring[this.#added % this.#most] = { atMs, record };
    this.#added += 1;
  }

  tellFollowers(): void {
    for (const tell of this.#followers) tell();
  }

  /** Gives the records from this number on, at most `most` of them. */
  read(from: number, most: number): HistoryPart {
    const first = Math.min(Math.max(from, this.#added - this.#most, 0), this.#added);
    const next = Math.min(first + most, this.#added);
    const records = Array.from({ length: next - first }, (_, index) => this.#at(first + index));
    return { records: records.flat(), lost: first - Math.min(first, Math.max(from, 0)), next };
  }

  /** Calls whenever there is more to read, and when there will be no more; the function given ends that. */
  follow(tell: () => void): () => void {
    this.#followers.add(tell);
    return () => this.#followers.delete(tell);
  }

  close(): void {
    this.#closed = true;
    this.tellFollowers();
  }

  #at(number: number): DatedRecord[] {
    const record = this.#ring[number % this.#most];
    return record === undefined ? [] : [record];
  }
}

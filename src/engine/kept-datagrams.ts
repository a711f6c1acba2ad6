/**
 * The last datagrams of UDP clients whose target is not there, until it comes: the UDP policy's counterpart of the line
 * of TCP flows. Each engine has one a listener. An association keeps the newest that fit its bounds, since a client that
 * repeats itself means its last word; what a listener's associations keep together is bounded too.
 */
import { limits } from '../limits.js';

/** Charged for each datagram beside its bytes: what the list, the array and the copy's own header take. */
const overheadBytes = 128;

interface Kept<Datagram> {
  readonly datagram: Datagram;
  /** Later than this it would answer a question that its client has given up. */
  readonly untilMs: number;
}

interface Queue<Datagram> {
  readonly kept: Kept<Datagram>[];
  bytes: number;
}

export class KeptDatagrams<Association, Datagram extends Uint8Array> {
  readonly #queues = new Map<Association, Queue<Datagram>>();
  #bytes = 0;

  /** Associations that have datagrams here. */
  get size(): number {
    return this.#queues.size;
  }

  associations(): Association[] {
    return [...this.#queues.keys()];
  }

  /**
   * Keeps a datagram, which is the table's from then on, in place of the association's oldest where there is no room. Where
   * even all of them would make none, they stay, and it is lost.
   *
   * @returns how many were lost
   */
  keep(association: Association, datagram: Datagram, untilMs: number): number {
    const queue = this.#queues.get(association) ?? { kept: [], bytes: 0 };
    const charge = chargeOf(datagram);
    const othersBytes = this.#bytes - queue.bytes;
    if (charge > Math.min(limits.waitingDatagramBytes, limits.waitingDatagramBytesInAll - othersBytes))
      return 1;
    let lost = 0;
    while (!this.#fits(queue, charge)) {
      this.#dropOldest(queue);
      lost += 1;
    }
    queue.kept.push({ datagram, untilMs });
    queue.bytes += charge;
    this.#bytes += charge;
    this.#queues.set(association, queue);
    return lost;
  }

  /** Gives an association's datagrams in the order they came, and how many are not among them because it is too late. */
  take(
    association: Association,
    nowMs: number,
  ): { readonly datagrams: readonly Datagram[]; readonly late: number } {
    const kept = this.#queues.get(association)?.kept ?? [];
    this.drop(association);
    const datagrams = kept.filter(({ untilMs }) => nowMs < untilMs).map(({ datagram }) => datagram);
    return { datagrams, late: kept.length - datagrams.length };
  }

  /** Forgets an association; gives how many datagrams went with it. */
  drop(association: Association): number {
    const queue = this.#queues.get(association);
    if (queue === undefined) return 0;
    this.#queues.delete(association);
    this.#bytes -= queue.bytes;
    return queue.kept.length;
  }

  #fits(queue: Queue<Datagram>, charge: number): boolean {
    return (
      queue.kept.length < limits.waitingDatagrams &&
      queue.bytes + charge <= limits.waitingDatagramBytes &&
      this.#bytes + charge <= limits.waitingDatagramBytesInAll
    );
  }

  #dropOldest(queue: Queue<Datagram>): void {
    const oldest = queue.kept.shift();
    if (oldest === undefined) return;
    const charge = chargeOf(oldest.datagram);
    queue.bytes -= charge;
    this.#bytes -= charge;
  }
}

function chargeOf(datagram: Uint8Array): number {
  return datagram.length + overheadBytes;
}

/**
 * Replies on their way to clients, gathered from all associations that had some in this turn. A batch is of one listener
 * at a time; a reply that its socket cannot take is dropped and counted.
 */
import type { Counters } from '../../metrics/counters.js';
import type { Arena } from './arena.js';
import { DatagramBatch } from './datagram-batch.js';
import { MessageBatch, type MessageOwner } from './message-batch.js';
import { countNotSent } from './not-sent.js';
import type { Syscalls } from './syscalls.js';
import type { UdpAssociation } from './udp-association.js';

/** The socket that replies leave by. */
export interface ReplyingListener {
  readonly descriptor: number;
  readonly family: 4 | 6;
  /** Whether each reply says which local address it leaves from. */
  readonly wildcard: boolean;
  readonly counters: Counters;
}

export class OutgoingBatch {
  readonly datagrams: DatagramBatch;
  readonly #messages: MessageBatch;
  readonly #owner: MessageOwner = {
    notSent: (datagrams, errno) => {
      if (this.#listener !== undefined) countNotSent(this.#listener.counters, datagrams, errno);
    },
    takesNoSegments: (association) => {
      association.clientTakesSegments = false;
    },
  };
  #listener: ReplyingListener | undefined = undefined;
  /** Slots that are filled. */
  #count = 0;

  constructor(sys: Syscalls, arena: Arena) {
    this.datagrams = new DatagramBatch(sys, arena, false);
    this.#messages = new MessageBatch(sys, arena, this.datagrams);
  }

  /** The slot that the next reply by this listener goes into. */
  nextSlot(listener: ReplyingListener): number {
    if (listener !== this.#listener || this.#count === this.datagrams.size) this.flush();
    this.#listener = listener;
    return this.#count;
  }

  /** Adds what is in so many slots more: replies to one client by the listener that was asked for. */
  add(association: UdpAssociation, slots: number, { family, wildcard }: ReplyingListener): void {
    const first = this.#count;
    this.#count += slots;
    for (let slot = first; slot < first + slots; slot += 1) {
      if (!this.#messages.add(slot, association, association.clientTakesSegments)) continue;
      this.#messages.to(association.name, family);
      if (wildcard) this.#messages.from(association.local, family);
    }
  }

  flush(): void {
    this.#count = 0;
    if (this.#listener !== undefined) this.#messages.send(this.#listener.descriptor, this.#owner);
  }
}

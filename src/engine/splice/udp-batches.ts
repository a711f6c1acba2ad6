/**
 * What all UDP listeners of a shard share: datagrams from clients, their way on to targets, and those on their way back.
 * Made for the first of them: laying it out is so much work that V8 optimises it, which a start without UDP need not pay
 * with 4 MB and some milliseconds.
 */
import type { Arena } from './arena.js';
import { DatagramBatch } from './datagram-batch.js';
import { MessageBatch } from './message-batch.js';
import { OutgoingBatch } from './outgoing-batch.js';
import type { Syscalls } from './syscalls.js';

export class UdpBatches {
  readonly incoming: DatagramBatch;
  readonly toTargets: MessageBatch;
  readonly outgoing: OutgoingBatch;

  constructor(sys: Syscalls, arena: Arena) {
    this.incoming = new DatagramBatch(sys, arena, true);
    this.toTargets = new MessageBatch(sys, arena, this.incoming);
    this.outgoing = new OutgoingBatch(sys, arena);
  }
}

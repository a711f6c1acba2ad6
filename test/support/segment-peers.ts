/** UDP sockets by system calls: they send several datagrams as one message, and tell how what they receive came. */
import { Arena } from '../../src/engine/splice/arena.js';
import { DatagramBatch, datagramArenaBytes } from '../../src/engine/splice/datagram-batch.js';
import { IPPROTO_UDP } from '../../src/sys/in.js';
import { readSockaddr } from '../../src/sys/sockaddr.js';
import { AF_INET, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET } from '../../src/sys/socket.js';
import { UDP_GRO, UDP_SEGMENT } from '../../src/sys/udp.js';
import { RawSockets } from './raw-sockets.js';
import type { Scope } from './scope.js';
import { endpointOf } from './tcp-peers.js';
import { until } from './until.js';

const bufferBytes = 4 << 20;

/** A message as it was received: one datagram, or several together. */
export interface Message {
  readonly datagrams: readonly Buffer[];
  readonly fromPort: number;
}

/** Datagrams that differ, so many of `bytes` bytes and a last one of `last`. */
export function datagramsOf(count: number, bytes: number, last = bytes): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.alloc(index === count - 1 ? last : bytes, index + 1),
  );
}

export class SegmentPeer {
  readonly raw: RawSockets;
  readonly descriptor: number;
  readonly port: number;
  readonly #batch: DatagramBatch;
  readonly #arena = new Arena(datagramArenaBytes);
  readonly #messages: Message[] = [];

  /** @param whole whether it takes messages of several datagrams whole */
  constructor(scope: Scope, { whole }: { readonly whole: boolean }) {
    this.raw = new RawSockets(scope);
    this.#batch = new DatagramBatch(this.raw.sys, this.#arena, true);
    this.descriptor = this.raw.socket(AF_INET, SOCK_DGRAM);
    this.raw.setOption(this.descriptor, SOL_SOCKET, SO_RCVBUF, bufferBytes);
    if (whole) this.raw.setOption(this.descriptor, IPPROTO_UDP, UDP_GRO, 1);
    this.port = this.raw.bind(this.descriptor);
  }

  get address() {
    return { kind: 'ip', ...endpointOf('127.0.0.1', this.port) } as const;
  }

  connect(port: number): void {
    this.raw.connect(this.descriptor, port);
  }

  /** Sends datagrams as one message, all of the first one's size but the last; gives what send gives. */
  send(datagrams: readonly Buffer[]): number {
    const segment = datagrams.length > 1 ? (datagrams[0]?.length ?? 0) : 0;
    this.raw.setOption(this.descriptor, IPPROTO_UDP, UDP_SEGMENT, segment);
    const bytes = Buffer.concat(datagrams);
    new Uint8Array(this.raw.words.buffer).set(bytes, this.raw.data - this.raw.address);
    return this.raw.send(this.descriptor, bytes.length);
  }

  /** What there is by now. */
  receive(): readonly Message[] {
    for (let count = this.#receiveBatch(); count > 0; ) count = this.#receiveBatch();
    return this.#messages;
  }

  /** Begins anew with what is received from now on. */
  forget(): void {
    this.#messages.length = 0;
  }

  /** Everything received, once it is so many datagrams. */
  async datagrams(count: number): Promise<Buffer[]> {
    const all = () => this.receive().flatMap(({ datagrams }) => datagrams);
    await until(`${count} datagrams`, () => all().length >= count);
    return all();
  }

  #receiveBatch(): number {
    const count = this.#batch.receive(this.descriptor, 0);
    for (let slot = 0; slot < count; slot += 1) {
      const name = this.#batch.nameWord(slot) << 2;
      this.#messages.push({
        datagrams: this.#batch.copiesOf(slot).map((bytes) => Buffer.from(bytes)),
        fromPort: readSockaddr(this.#arena.bytes, name).port,
      });
    }
    return count;
  }
}

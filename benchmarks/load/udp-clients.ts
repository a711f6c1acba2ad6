/** The clients of a UDP generator: a socket each, connected to one port of loopback, all of them in one epoll. */
import { EPOLL_CTL_ADD, EPOLLIN, epoll } from '../../src/sys/epoll.js';
import { checked } from '../../src/sys/errno.js';
import { mapRegion } from '../../src/sys/mman.js';
import { layoutsOf } from '../../src/sys/platform.js';
import { type Calls, openUdp } from './udp-socket.js';

/** Longer than any proxy holds a datagram that it will deliver, here where nothing is far away. */
export const lostAfterMs = 250;
const sweepMs = 50;
const eventsAtOnce = 64;

/** What a generator does. */
export interface Work {
  /** Something has come for this client; what is left of it is told of again. */
  serve(client: number): void;
  /** Every now and then: to find what was lost. */
  sweep(): void;
}

export class UdpClients {
  readonly sockets: readonly number[];
  /** Read once for all that came at the same time. */
  nowMs = performance.now();
  readonly #poll = epoll();
  readonly #epoll = checked('epoll_create1', this.#poll.create());
  readonly #events = mapRegion(4_096);
  readonly #view = new DataView(this.#events.buffer);
  readonly #layout = layoutsOf();

  /** @param segment as openUdp has it */
  constructor(calls: Calls, port: number, count: number, segment = 0) {
    this.sockets = Array.from({ length: count }, () => openUdp(calls, 'connect', port, segment));
    for (const [client, socket] of this.sockets.entries()) {
      this.#view.setUint32(0, EPOLLIN, true);
      this.#view.setUint32(this.#layout.epollDataOffset, client, true);
      checked('epoll_ctl', this.#poll.ctl(this.#epoll, EPOLL_CTL_ADD, socket, this.#events.address));
    }
  }

  /** Works for so long, and gives the seconds that it took. */
  run(seconds: number, work: Work): number {
    const startedMs = this.nowMs;
    let sweptMs = startedMs;
    while (this.nowMs - startedMs < seconds * 1_000) {
      const ready = this.#poll.wait(this.#epoll, this.#events.address, eventsAtOnce, sweepMs);
      this.nowMs = performance.now();
      for (let index = 0; index < ready; index += 1) work.serve(this.#clientOf(index));
      if (this.nowMs - sweptMs < sweepMs) continue;
      sweptMs = this.nowMs;
      work.sweep();
    }
    return (this.nowMs - startedMs) / 1_000;
  }

  #clientOf(event: number): number {
    const { epollEventBytes, epollDataOffset } = this.#layout;
    return this.#view.getUint32(event * epollEventBytes + epollDataOffset, true);
  }
}

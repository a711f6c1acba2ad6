/**
 * UDP round trips on loopback, of messages that the kernel cuts into datagrams, as QUIC sends bulk:
 * `udp-message-generator.js PORT CLIENTS ACTIVE DATAGRAMS BYTES SECONDS`. Every client is a socket, all are active, and
 * each has one message under way: when all its datagrams have come back, together or not, the next one goes. What has not
 * come back in time is lost. Prints one line of JSON, which counts datagrams.
 *
 * A datagram carries the number of its message, so that one that comes late, after it was counted as lost, is known.
 */
import { writeSync } from 'node:fs';
import { EPOLL_CTL_ADD, EPOLLIN, epoll } from '../../src/sys/epoll.js';
import { checked } from '../../src/sys/errno.js';
import { mapRegion } from '../../src/sys/mman.js';
import { layoutsOf } from '../../src/sys/platform.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL, socketCalls } from '../../src/sys/socket.js';
import { openUdp } from './udp-socket.js';

/** Longer than any proxy holds a datagram that it will deliver, here where nothing is far away. */
const lostAfterMs = 250;
const sweepMs = 50;
const eventsAtOnce = 64;

const [port = 0, clients = 1, , datagrams = 1, bytes = 64, seconds = 1] = process.argv.slice(2).map(Number);

interface Client {
  readonly socket: number;
  message: number;
  /** Datagrams of this message that are not back yet. */
  left: number;
  sentMs: number;
}

const calls = socketCalls();
const poll = epoll();
const { epollEventBytes, epollDataOffset } = layoutsOf();
const events = mapRegion(4_096);
const eventView = new DataView(events.buffer);
const buffer = mapRegion(65_536);
const words = new Int32Array(buffer.buffer);

const descriptor = checked('epoll_create1', poll.create());
const all = Array.from({ length: clients }, (_, index): Client => {
  const socket = openUdp(calls, 'connect', port, bytes);
  eventView.setUint32(0, EPOLLIN, true);
  eventView.setUint32(epollDataOffset, index, true);
  checked('epoll_ctl', poll.ctl(descriptor, EPOLL_CTL_ADD, socket, events.address));
  return { socket, message: 0, left: 0, sentMs: 0 };
});
let nowMs = performance.now();
let roundTrips = 0;
let lost = 0;

const startedMs = nowMs;
for (const client of all) sendNext(client);
run(startedMs + seconds * 1_000);
const elapsed = (nowMs - startedMs) / 1_000;
writeSync(1, `${JSON.stringify({ roundTrips, lost, seconds: elapsed })}\n`);

function run(endMs: number): void {
  let sweptMs = nowMs;
  while (nowMs < endMs) {
    const ready = poll.wait(descriptor, events.address, eventsAtOnce, sweepMs);
    nowMs = performance.now();
    for (let index = 0; index < ready; index += 1) {
      const client = all[eventView.getUint32(index * epollEventBytes + epollDataOffset, true)];
      if (client !== undefined) receive(client);
    }
    if (nowMs - sweptMs >= sweepMs) {
      sweptMs = nowMs;
      for (const client of all) giveUp(client);
    }
  }
}

/** What is there more of it is told of again. */
function receive(client: Client): void {
  const received = calls.recv(client.socket, buffer.address, 65_536, MSG_DONTWAIT);
  for (let offset = 0; offset < received; offset += bytes) {
    if (words[offset >> 2] !== client.message) continue;
    roundTrips += 1;
    client.left -= 1;
  }
  if (client.left === 0) sendNext(client);
}

function sendNext(client: Client): void {
  client.message += 1;
  client.left = datagrams;
  client.sentMs = nowMs;
  for (let index = 0; index < datagrams; index += 1) words[(index * bytes) >> 2] = client.message;
  // What the socket does not take now counts as lost by and by.
  calls.send(client.socket, buffer.address, datagrams * bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

function giveUp(client: Client): void {
  if (nowMs - client.sentMs < lostAfterMs) return;
  lost += client.left;
  sendNext(client);
}

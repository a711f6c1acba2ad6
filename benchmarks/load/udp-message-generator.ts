/**
 * UDP round trips on loopback, of messages that the kernel cuts into datagrams, as QUIC sends bulk:
 * `udp-message-generator.js PORT CLIENTS ACTIVE DATAGRAMS BYTES SECONDS`. All clients are active, and each has one message
 * under way: when all its datagrams have come back, together or not, the next one goes. What has not come back in time is
 * lost. Prints one line of JSON, which counts datagrams.
 *
 * A datagram carries the number of its message, so that one that comes late, after it was counted as lost, is known.
 */
import { writeSync } from 'node:fs';
import { mapRegion } from '../../src/sys/mman.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL, socketCalls } from '../../src/sys/socket.js';
import { lostAfterMs, UdpClients } from './udp-clients.js';

/** As much as a message may have. */
const bufferBytes = 65_536;

const [port = 0, count = 1, , datagrams = 1, bytes = 64, seconds = 1] = process.argv.slice(2).map(Number);

const calls = socketCalls();
const clients = new UdpClients(calls, port, count, bytes);
const buffer = mapRegion(bufferBytes);
const words = new Int32Array(buffer.buffer);
/** By client: its message under way, how many datagrams of it are not back yet, and when it was sent. */
const messages = new Int32Array(count);
const left = new Int32Array(count);
const sentMs = new Float64Array(count);
let roundTrips = 0;
let lost = 0;

for (let client = 0; client < count; client += 1) sendNext(client);
const elapsed = clients.run(seconds, { serve, sweep });
writeSync(1, `${JSON.stringify({ roundTrips, lost, seconds: elapsed })}\n`);

function serve(client: number): void {
  const received = calls.recv(clients.sockets[client] ?? -1, buffer.address, bufferBytes, MSG_DONTWAIT);
  let back = 0;
  for (let offset = 0; offset < received; offset += bytes) {
    if (words[offset >> 2] === messages[client]) back += 1;
  }
  roundTrips += back;
  left[client] = (left[client] ?? 0) - back;
  if (left[client] === 0) sendNext(client);
}

function sendNext(client: number): void {
  const message = (messages[client] ?? 0) + 1;
  messages[client] = message;
  left[client] = datagrams;
  sentMs[client] = clients.nowMs;
  for (let index = 0; index < datagrams; index += 1) words[(index * bytes) >> 2] = message;
  // What the socket does not take now counts as lost by and by.
  calls.send(clients.sockets[client] ?? -1, buffer.address, datagrams * bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
}

function sweep(): void {
  for (let client = 0; client < count; client += 1) {
    if (clients.nowMs - (sentMs[client] ?? 0) < lostAfterMs) continue;
    lost += left[client] ?? 0;
    sendNext(client);
  }
}

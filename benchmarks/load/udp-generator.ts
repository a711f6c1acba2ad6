/**
 * UDP round trips on loopback: `udp-generator.js PORT CLIENTS ACTIVE IN_FLIGHT BYTES SECONDS`. Every client is a socket;
 * so many are active at once, and keep so many datagrams under way each: one that comes back is sent again, or, where
 * other clients wait, the client that has waited longest sends one. One that has not come back in time is lost and sent
 * anew. Prints one line of JSON.
 *
 * A datagram carries its slot and its turn, so that one that comes late, after it was counted as lost, is known.
 */
import { writeSync } from 'node:fs';
import { Errno } from '../../src/sys/errno.js';
import { openFfi } from '../../src/sys/ffi.js';
import { MSG_DONTWAIT, MSG_NOSIGNAL, socketCalls } from '../../src/sys/socket.js';
import { Datagrams } from './datagrams.js';
import { lostAfterMs, UdpClients } from './udp-clients.js';

const sendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;

const [port = 0, count = 1, active = 1, inFlight = 1, size = 64, seconds = 1] = process.argv
  .slice(2)
  .map(Number);

const { errno } = openFfi();
const calls = socketCalls();
const clients = new UdpClients(calls, port, count);
const batch = new Datagrams(inFlight, size, false);
/** By client and slot: the turn that is under way, and when it was sent. */
const turns = new Int32Array(count * inFlight);
const sentMs = new Float64Array(count * inFlight).fill(Number.POSITIVE_INFINITY);
/** A ring of clients that wait for their turn; its length never changes, for one that is done takes the place of the next. */
const waiting = Array.from({ length: count - active }, (_, index) => active + index);
let longestWaiting = 0;
let roundTrips = 0;
let lost = 0;

for (let client = 0; client < active; client += 1) {
  for (let slot = 0; slot < inFlight; slot += 1) sendAnew(client, slot);
}
const elapsed = clients.run(seconds, { serve, sweep });
writeSync(1, `${JSON.stringify({ roundTrips, lost, seconds: elapsed })}\n`);

function serve(client: number): void {
  const socket = clients.sockets[client] ?? -1;
  const received = inFlight === 1 ? receiveOne(socket) : receiveMany(socket);
  // A refusal that an earlier datagram met: the sweep finds what was lost.
  if (received <= 0) return;
  if (waiting.length > 0) {
    if (takeBack(client, 0)) passOn(client);
    return;
  }
  if (inFlight > 1) batch.prepareReturn(received);
  let first = 0;
  for (let index = 0; index < received; index += 1) {
    if (takeBack(client, index)) continue;
    send(socket, first, index);
    first = index + 1;
  }
  send(socket, first, received);
}

/** Costs the kernel less than a batch of one: what the generator takes of the machine, the proxies cannot have. */
function receiveOne(socket: number): number {
  return calls.recv(socket, batch.bufferAddress(0), size, MSG_DONTWAIT) < 0 ? -1 : 1;
}

function receiveMany(socket: number): number {
  batch.prepareReceive();
  return calls.recvmmsg(socket, batch.headerAddress(0), inFlight, MSG_DONTWAIT, 0);
}

/** Makes an echo the next datagram of its slot; false where it was counted as lost before. */
function takeBack(client: number, index: number): boolean {
  const word = batch.bufferWord(index);
  const place = client * inFlight + (batch.words[word] ?? 0);
  const turn = turns[place] ?? -1;
  if (batch.words[word + 1] !== turn) return false;
  roundTrips += 1;
  turns[place] = turn + 1;
  batch.words[word + 1] = turn + 1;
  sentMs[place] = clients.nowMs;
  return true;
}

/** It is the turn of the client that has waited longest; they have one datagram each. */
function passOn(client: number): void {
  sentMs[client] = Number.POSITIVE_INFINITY;
  const next = waiting[longestWaiting] ?? client;
  waiting[longestWaiting] = client;
  longestWaiting = (longestWaiting + 1) % waiting.length;
  sendAnew(next, 0);
}

/** What the socket does not take now counts as lost by and by. */
function send(socket: number, first: number, end: number): void {
  let next = first;
  while (next < end) {
    const sent = end - next === 1 ? sendOne(socket, next) : sendMany(socket, next, end);
    if (sent <= 0 && errno() !== Errno.ECONNREFUSED) return;
    // A refusal is about an earlier datagram, and is told once.
    if (sent > 0) next += sent;
  }
}

function sendOne(socket: number, index: number): number {
  return calls.send(socket, batch.bufferAddress(index), size, sendFlags) < 0 ? -1 : 1;
}

function sendMany(socket: number, first: number, end: number): number {
  return calls.sendmmsg(socket, batch.headerAddress(first), end - first, sendFlags);
}

function sweep(): void {
  for (let place = 0; place < turns.length; place += 1) {
    if (clients.nowMs - (sentMs[place] ?? clients.nowMs) < lostAfterMs) continue;
    lost += 1;
    sendAnew(Math.floor(place / inFlight), place % inFlight);
  }
}

function sendAnew(client: number, slot: number): void {
  const place = client * inFlight + slot;
  const turn = (turns[place] ?? 0) + 1;
  turns[place] = turn;
  sentMs[place] = clients.nowMs;
  const word = batch.bufferWord(0);
  batch.words[word] = slot;
  batch.words[word + 1] = turn;
  send(clients.sockets[client] ?? -1, 0, 1);
}

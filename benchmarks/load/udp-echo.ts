/**
 * A UDP echo on loopback as fast as one thread can be: `udp-echo.js PORT [BYTES]`, where datagrams of so many bytes are
 * received and sent as messages of several. Prints `ready`; ends with its parent.
 */

import { writeSync } from 'node:fs';
import { Errno, SystemCallError } from '../../src/sys/errno.js';
import { openFfi } from '../../src/sys/ffi.js';
import { MSG_NOSIGNAL, socketCalls } from '../../src/sys/socket.js';
import { Datagrams } from './datagrams.js';
import { isAbandoned } from './end-with-parent.js';
import { openUdp } from './udp-socket.js';

/** Waits for the first datagram and takes what else is there. */
const MSG_WAITFORONE = 0x10000;
const batchSize = 64;

const { errno } = openFfi();
const calls = socketCalls();
const [port = 0, segment = 0] = process.argv.slice(2).map(Number);
const socket = openUdp(calls, 'bind', port, segment);
const batch = new Datagrams(batchSize, segment > 0 ? 65_536 : 2_048, true);
writeSync(1, 'ready\n');

while (!isAbandoned()) echoForAWhile();

function echoForAWhile(): void {
  for (let turn = 0; turn < 1_000; turn += 1) {
    batch.prepareReceive();
    const received = calls.recvmmsg(socket, batch.headerAddress(0), batchSize, MSG_WAITFORONE, 0);
    if (received > 0) {
      batch.prepareReturn(received);
      sendAll(received);
    } else if (errno() === Errno.EAGAIN) {
      return;
    } else if (errno() !== Errno.ECONNREFUSED && errno() !== Errno.EINTR) {
      throw new SystemCallError('recvmmsg', errno());
    }
  }
}

function sendAll(count: number): void {
  let next = 0;
  while (next < count) {
    const sent = calls.sendmmsg(socket, batch.headerAddress(next), count - next, MSG_NOSIGNAL);
    // One that cannot be sent, to a client that has gone, is passed over.
    next += sent > 0 ? sent : 1;
  }
}

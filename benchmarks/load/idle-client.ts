/**
 * Opens connections on loopback and leaves them idle: `idle-client.js PORT COUNT`. Each has had one byte echoed, so the
 * whole way to the target is open. Prints `open` when all are, and holds them until it is stopped.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { endWithParent } from './end-with-parent.js';

/** Fewer than any accept queue holds. */
const atOnce = 100;
const [port = 0, count = 0] = process.argv.slice(2).map(Number);

endWithParent();
let next = 0;
await Promise.all(Array.from({ length: atOnce }, openSome));
console.log('open');

async function openSome(): Promise<void> {
  while (next < count) {
    next += 1;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('x');
    await once(socket, 'data');
  }
}

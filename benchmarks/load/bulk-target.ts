/**
 * The target of bulk on loopback: `bulk-target.js PORT`. Prints `ready`. It takes all that a client sends; where the
 * first byte is `b`, it sends for as long as the client does. When the client has finished, so does it: by then it has read
 * everything.
 */
import { createServer, type Socket } from 'node:net';
import { sendUntil } from './bulk-sending.js';
import { endWithParent } from './end-with-parent.js';

const bothWays = 'b'.charCodeAt(0);

createServer({ allowHalfOpen: true }, serve).listen(
  { host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4_096 },
  () => console.log('ready'),
);
endWithParent();

function serve(socket: Socket): void {
  const finished = new AbortController();
  // A client that resets has what it wanted.
  socket.on('error', () => finished.abort());
  socket.on('end', () => finished.abort());
  socket.once('data', (chunk) => {
    if (chunk[0] !== bothWays) socket.once('end', () => socket.end());
    else sendUntil(socket, finished.signal);
    socket.resume();
  });
}

/** A TCP echo on loopback that holds any number of connections: `tcp-echo.js PORT`. Prints `ready`. */
import { createServer } from 'node:net';
import { endWithParent } from './end-with-parent.js';

const server = createServer((socket) => {
  // A client that resets has what it wanted.
  socket.on('error', () => undefined);
  socket.pipe(socket);
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4_096 }, () =>
  console.log('ready'),
);
endWithParent();

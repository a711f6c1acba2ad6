/** Answers every HTTP request on loopback with a few bytes: `http-target.js PORT`. Prints `ready`. */
import { createServer, type Socket } from 'node:net';
import { endWithParent } from './end-with-parent.js';

const body = 'a small answer, as of a health check\n';
const answer = (headers: string) =>
  Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`);
const staying = answer('');
const last = answer('Connection: close\r\n');

/** Requests have no body: each ends with an empty line. */
const endOfRequest = '\r\n\r\n';

function serve(socket: Socket): void {
  let unread = '';
  // A client that resets has what it wanted.
  socket.on('error', () => undefined);
  socket.setNoDelay();
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    const requests = (unread + text).split(endOfRequest);
    unread = requests.pop() ?? '';
    for (const request of requests) {
      if (!request.toLowerCase().includes('connection: close')) socket.write(staying);
      else socket.end(last);
    }
  });
}

createServer(serve).listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4_096 }, () =>
  console.log('ready'),
);
endWithParent();

/**
 * Bulk on loopback: `bulk-generator.js PORT STREAMS BOTH SECONDS`, to the target, and with BOTH 1 from it too. Prints one
 * line of JSON. A stream's time ends with the target's FIN, which comes when it has read everything: what was written has
 * then arrived.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sendUntil } from './bulk-sending.js';
import { endWithParent } from './end-with-parent.js';

const [port = 0, streams = 1, both = 0, seconds = 1] = process.argv.slice(2).map(Number);
/** Read into, over and over: nobody looks at it. */
const buffer = Buffer.alloc(256 * 1024);

endWithParent();
const opened = await Promise.all(Array.from({ length: streams }, open));
const startedMs = performance.now();
const timeUp = AbortSignal.timeout(seconds * 1_000);
const bytes = await Promise.all(opened.map(carry));
const elapsed = (performance.now() - startedMs) / 1_000;
console.log(JSON.stringify({ bytes: bytes.reduce((sum, each) => sum + each, 0), seconds: elapsed }));
process.exit();

interface Stream {
  readonly socket: Socket;
  received: number;
}

async function open(): Promise<Stream> {
  const socket = connect({
    ...{ port, host: '127.0.0.1' },
    onread: {
      buffer,
      callback: (count) => {
        stream.received += count;
        return true;
      },
    },
  });
  const stream: Stream = { socket, received: 0 };
  await once(socket, 'connect');
  return stream;
}

/** Both ways' bytes. */
async function carry(stream: Stream): Promise<number> {
  const ended = once(stream.socket, 'end');
  stream.socket.write(both === 1 ? 'b' : 'o');
  sendUntil(stream.socket, timeUp);
  await ended;
  return stream.socket.bytesWritten + stream.received;
}

/** Sending as much as the other side takes. */
import type { Socket } from 'node:net';

const chunk = Buffer.alloc(256 * 1024, 'x');

/** Writes until the signal, and then its FIN. */
export function sendUntil(socket: Socket, signal: AbortSignal): void {
  const write = () => {
    while (!signal.aborted && socket.write(chunk));
  };
  signal.addEventListener('abort', () => socket.end(), { once: true });
  socket.on('drain', write);
  write();
}

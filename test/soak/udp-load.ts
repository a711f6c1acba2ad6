/** UDP clients for a soak: each sends numbered datagrams to an echo and checks what comes back, one window at a time. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { patternAt } from './pattern.js';
import type { Random } from './random.js';

const windowDatagrams = 8;
const windowMs = 1_000;
const headerBytes = 8;

export interface UdpTally {
  sent: number;
  answered: number;
  readonly faults: string[];
}

export async function startUdpTarget(): Promise<Socket> {
  const socket = createSocket('udp4', (datagram, from) => socket.send(datagram, from.port, from.address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** One client after the other, some windows each: an association is made and forgotten for every one. */
export async function udpLane(
  port: number,
  random: Random,
  tally: UdpTally,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    const client = createSocket('udp4');
    client.connect(port, '127.0.0.1');
    await once(client, 'connect');
    const windows = 1 + random.below(200);
    for (let window = 0; window < windows && !stopped(); window += 1) await runWindow(client, random, tally);
    client.close();
    await once(client, 'close');
  }
}

async function runWindow(client: Socket, random: Random, tally: UdpTally): Promise<void> {
  const waiting = new Map<number, Buffer>();
  const anyLength = () => (random.below(8) === 0 ? random.below(60_000) : random.below(1_400));
  // Half of the windows are datagrams of one size, as bulk is: those go together. Eight large ones would fill a buffer.
  const alike = random.below(2) === 0 ? random.below(1_400) : undefined;
  for (let index = 0; index < windowDatagrams; index += 1) {
    const seed = random.below(1 << 30);
    const length = alike ?? anyLength();
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(seed, 0);
    header.writeUInt32LE(length, 4);
    waiting.set(seed, Buffer.concat([header, patternAt(seed, 0, length)]));
  }
  await new Promise<void>((resolve) => {
    const over = () => {
      clearTimeout(timer);
      client.off('message', take);
      resolve();
    };
    const take = (datagram: Buffer) => {
      const seed = datagram.length < headerBytes ? -1 : datagram.readUInt32LE(0);
      const expected = waiting.get(seed);
      // What a window before this one gave up may still come.
      if (expected === undefined) return;
      if (!expected.equals(datagram))
        tally.faults.push(`a datagram of ${datagram.length} bytes came back changed`);
      waiting.delete(seed);
      tally.answered += 1;
      if (waiting.size === 0) over();
    };
    const timer = setTimeout(over, windowMs);
    client.on('message', take);
    for (const datagram of waiting.values()) client.send(datagram);
    tally.sent += waiting.size;
  });
}

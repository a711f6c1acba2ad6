import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Arena } from '../../../src/engine/splice/arena.js';
import { DatagramBatch, datagramArenaBytes } from '../../../src/engine/splice/datagram-batch.js';
import { MessageBatch, messageArenaBytes } from '../../../src/engine/splice/message-batch.js';
import { openSyscalls } from '../../../src/engine/splice/syscalls.js';
import { localWords, nameWords, UdpAssociation } from '../../../src/engine/splice/udp-association.js';
import { limits } from '../../../src/limits.js';
import { IPPROTO_UDP } from '../../../src/sys/in.js';
import { AF_INET, SO_RCVBUF, SOCK_DGRAM, SOL_SOCKET } from '../../../src/sys/socket.js';
import { UDP_GRO } from '../../../src/sys/udp.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { type Scope, useScope } from '../../support/scope.js';
import { datagramsOf, SegmentPeer } from '../../support/segment-peers.js';

/** A socket whose datagrams a batch receives, and one that sends them on to a receiver. */
function startRelay(scope: Scope, receiver: SegmentPeer) {
  const raw = new RawSockets(scope);
  const sys = openSyscalls();
  const arena = new Arena(datagramArenaBytes + messageArenaBytes);
  const batch = new DatagramBatch(sys, arena, true);
  const messages = new MessageBatch(sys, arena, batch);
  const entrance = raw.socket(AF_INET, SOCK_DGRAM);
  raw.setOption(entrance, SOL_SOCKET, SO_RCVBUF, 4 << 20);
  raw.setOption(entrance, IPPROTO_UDP, UDP_GRO, 1);
  const sender = new SegmentPeer(scope, { whole: false });
  sender.connect(raw.bind(entrance));
  const exit = raw.socket(AF_INET, SOCK_DGRAM);
  raw.connect(exit, receiver.port);
  const association = new UdpAssociation(0, new Int32Array(nameWords), new Int32Array(localWords), 0, {
    fromTarget: () => {},
    fault: () => {},
  });
  /** Sends on all that is there; gives what was not sent. */
  const relay = (together: boolean): string[] => {
    const said: string[] = [];
    for (let count = batch.receive(entrance, 0); count > 0; count = batch.receive(entrance, 0)) {
      for (let slot = 0; slot < count; slot += 1) messages.add(slot, association, together);
      messages.send(exit, {
        notSent: (datagrams, errno) => said.push(`${datagrams} not sent: ${errno}`),
        takesNoSegments: () => said.push('no segments'),
      });
    }
    return said;
  };
  return { sender, relay };
}

describe('messages', () => {
  const scope = useScope();

  const datagram = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(0, 1, 64, 1_200) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 3_000 }) },
  );
  /** What is sent in one go: datagrams of a size, and a last one that is not longer. */
  const together = fc
    .record({
      count: fc.integer({ min: 2, max: 64 }),
      bytes: fc.integer({ min: 1, max: 1_000 }),
      last: fc.nat(),
    })
    .map(({ count, bytes, last }) => datagramsOf(count, bytes, 1 + (last % bytes)));
  const sent = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: datagram.map((bytes) => datagramsOf(1, bytes)) },
      { weight: 1, arbitrary: together },
    ),
    { minLength: 1, maxLength: 80 },
  );

  test('carry every datagram in its order, whatever is together and whoever takes them', async () => {
    const receivers = [new SegmentPeer(scope, { whole: false }), new SegmentPeer(scope, { whole: true })];
    const relays = receivers.map((receiver) => ({ receiver, ...startRelay(scope, receiver) }));
    await fc.assert(
      fc.asyncProperty(sent, fc.boolean(), async (messages, takesTogether) => {
        const expected = messages.flat();
        for (const { receiver, sender, relay } of relays) {
          for (const message of messages) sender.send(message);
          expect(relay(takesTogether)).toEqual([]);
          const received = await receiver.datagrams(expected.length);
          receiver.forget();
          expect(received.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
          expect(Buffer.concat(received).equals(Buffer.concat(expected))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  const relayed = (...messages: readonly (readonly Buffer[])[]) => {
    const receiver = new SegmentPeer(scope, { whole: true });
    const { sender, relay } = startRelay(scope, receiver);
    for (const message of messages) sender.send(message);
    expect(relay(true)).toEqual([]);
    return receiver.receive().map(({ datagrams }) => datagrams.map(({ length }) => length));
  };
  const alone = (...sizes: readonly number[]) => sizes.map((bytes) => datagramsOf(1, bytes));

  test('hold what follows one another in one size, up to one that is shorter', () => {
    expect(relayed(...alone(100, 100, 100, 40, 40, 100, 100))).toEqual([
      [100, 100, 100, 40],
      [40],
      [100, 100],
    ]);
  });

  test('hold an empty datagram by itself', () => {
    expect(relayed(...alone(0, 0, 64, 64, 0, 64))).toEqual([[0], [0], [64, 64], [0], [64]]);
  });

  test('stay together as they came, and take in what fits behind', () => {
    expect(relayed(datagramsOf(3, 100), ...alone(100, 100), datagramsOf(2, 100, 20), ...alone(20))).toEqual([
      [100, 100, 100, 100, 100, 100, 20],
      [20],
    ]);
    expect(relayed(datagramsOf(2, 100), datagramsOf(2, 50))).toEqual([
      [100, 100],
      [50, 50],
    ]);
  });

  test('hold no more datagrams and bytes than the kernel takes', () => {
    const many = relayed(...alone(...Array<number>(60).fill(10)), datagramsOf(10, 10));
    expect(many.map(({ length }) => length)).toEqual([60, 10]);
    expect(60 + 10).toBeGreaterThan(limits.segmentsPerMessage);
    const large = relayed(...alone(30_000, 30_000, 30_000));
    expect(large).toEqual([[30_000, 30_000], [30_000]]);
  });
});

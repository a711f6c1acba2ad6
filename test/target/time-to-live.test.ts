import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import * as dnsPacket from 'dns-packet';
import { timeToLiveMs } from '../../src/target/time-to-live.js';
import { useScope } from '../support/scope.js';

const scope = useScope();

/** A name server of a few records; every other name it does not know. */
async function nameServer(records: Readonly<Record<string, dnsPacket.Answer>>): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (datagram, from) => {
    const query = dnsPacket.decode(datagram);
    const [question] = query.questions ?? [];
    const answer = records[`${question?.name} ${question?.type}`];
    const response = dnsPacket.encode({
      type: 'response',
      ...(query.id === undefined ? {} : { id: query.id }),
      flags: dnsPacket.RECURSION_DESIRED | (answer === undefined ? 3 : 0),
      ...(query.questions === undefined ? {} : { questions: query.questions }),
      answers: answer === undefined ? [] : [answer],
    });
    socket.send(response, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  scope.onEnd(() => void socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

it('a name holds as long as the shortest of its records', async () => {
  const server = await nameServer({
    'db.internal A': { type: 'A', name: 'db.internal', ttl: 60, data: '10.0.0.1' },
    'db.internal AAAA': { type: 'AAAA', name: 'db.internal', ttl: 7, data: 'fd00::1' },
  });
  expect(await timeToLiveMs('db.internal', [server])).toBe(7_000);
});

it('a name of one family only has that one’s', async () => {
  const server = await nameServer({
    'db.internal A': { type: 'A', name: 'db.internal', ttl: 60, data: '10.0.0.1' },
  });
  expect(await timeToLiveMs('db.internal', [server])).toBe(60_000);
});

it('nobody says how long a name holds that the DNS does not know', async () => {
  expect(await timeToLiveMs('localhost.localdomain', [await nameServer({})])).toBeUndefined();
});

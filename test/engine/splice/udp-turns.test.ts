/** How much of UDP a shard relays within one turn, which the test gives it. */
import type { Socket } from 'node:dgram';
import { expect, test } from '@jest/globals';
import type { Shard } from '../../../src/engine/splice/shard.js';
import { limits } from '../../../src/limits.js';
import { AF_INET, SOCK_DGRAM } from '../../../src/sys/socket.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { loopbackTarget, serveIn, startShard } from '../../support/shards.js';
import { udpPeer } from '../../support/udp-peers.js';
import { until } from '../../support/until.js';

/** So few each that they fit a receive buffer of the kernel's usual bound (net.core.rmem_max), 208 KiB. */
const answersEach = 3;
const clients = 160;
const answer = Buffer.alloc(60_000);

describeWhere(process.platform === 'linux', 'not Linux', 'a shard with many UDP clients', () => {
  const scope = useScope();

  /** Serves a listener in the shard; gives its port, and what is counted of it. */
  function serve(shard: Shard, raw: RawSockets, targetPort: number) {
    const descriptor = raw.socket(AF_INET, SOCK_DGRAM);
    const port = raw.bind(descriptor);
    return { port, counters: serveIn(shard, descriptor, { targets: [loopbackTarget(targetPort)] }, 'udp') };
  }

  test('relays what the parts of a turn allow, and the rest in the turns that follow', async () => {
    const raw = new RawSockets(scope);
    const shard = startShard(scope, undefined, { share: { maxFlows: clients, maxPipes: 1 } });
    let answering: Socket | undefined;
    const target = await udpPeer(scope, '127.0.0.1', (_received, socket) => {
      answering = socket;
    });
    const { port, counters } = serve(shard, raw, target.endpoint.port);
    for (let client = 0; client < clients; client += 1) {
      const socket = raw.socket(AF_INET, SOCK_DGRAM);
      raw.connect(socket, port);
      raw.send(socket, 1);
    }
    await until('every client to be known', () => {
      shard.loop.turn(0);
      return target.received.length === clients;
    });
    const answers = target.received.flatMap(({ from }) => new Array<number>(answersEach).fill(from.port));
    await Promise.all(
      answers.map((to) => new Promise((sent) => answering?.send(answer, to, '127.0.0.1', sent))),
    );

    const relayed = () => counters.snapshot().bytesOut;
    shard.loop.turn(0);
    const batch = limits.datagramsPerBatch * answer.length;
    expect(relayed()).toBeGreaterThan(0);
    expect(relayed()).toBeLessThanOrEqual(2 * (limits.bytesPerPart + batch));
    await until('all of it to be relayed', () => {
      shard.loop.turn(0);
      return relayed() === clients * answersEach * answer.length;
    });
  });
});

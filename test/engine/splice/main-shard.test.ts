/** A shard on the main thread that fails or ends while flows are on their way from or to it. */
import { expect, test } from '@jest/globals';
import { MainShard } from '../../../src/engine/splice/main-shard.js';
import { descriptorsOf } from '../../../src/engine/splice/moved-flow.js';
import { OwnedDescriptors } from '../../../src/engine/splice/owned-descriptors.js';
import { SOCK_STREAM } from '../../../src/sys/socket.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { openFlowIn, shardSetup } from '../../support/shards.js';
import { until } from '../../support/until.js';

describeWhere(process.platform === 'linux', 'not Linux', 'a shard on the main thread that fails', () => {
  const scope = useScope();

  test.each([
    ['closes flows that it gave and nobody has', false, 0],
    ['leaves flows that it gave to who has them', true, -1],
  ])('%s', async (_, isTaken, received) => {
    const raw = new RawSockets(scope);
    const setup = shardSetup();
    const another = new OwnedDescriptors(setup.owned, 1);
    scope.onEnd(() => another.closeAll());
    let died: [cause: string, flows: number] | undefined;
    const shard = new MainShard(setup, {
      report: (report) => {
        if (!isTaken || report.kind !== 'given') return;
        for (const descriptor of descriptorsOf(report.flows)) another.add(descriptor);
      },
      died: (...how) => {
        died = how;
      },
    });
    scope.onEnd(() => shard.stop());
    const [client, accepted] = await openFlowIn(shard, raw);
    shard.send({ kind: 'give', service: 1, oneIn: 1, to: 1 });
    shard.send({ kind: 'route', service: 1, route: undefined as never });
    await until('it to be told', () => died !== undefined);
    expect(died).toEqual([expect.stringMatching(/undefined/), 0]);
    expect([raw.recv(client, 1), raw.recv(accepted, 1)]).toEqual([received, received]);
  });

  test('and one that is stopped closes what it was about to be sent', async () => {
    const raw = new RawSockets(scope);
    const setup = shardSetup();
    const shard = new MainShard(setup, { report: () => undefined, died: () => undefined });
    const [given, peer] = raw.pair(SOCK_STREAM);
    raw.disown(given);
    new OwnedDescriptors(setup.owned).add(given);
    await shard.stop();
    expect(raw.recv(peer, 1)).toBe(0);
  });
});

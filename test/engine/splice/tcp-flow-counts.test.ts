/** TCP flows are spread over the shards that take them. */
import { describe, expect, test } from '@jest/globals';
import { fixedShards } from '../../../src/engine/shard-plan.js';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { limits } from '../../../src/limits.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { describeWhere } from '../../support/machine.js';
import { useScope } from '../../support/scope.js';
import { echo, readExactly, tcpClient, tcpServer } from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

describe('a shard', () => {
  test('is ahead of another that has so many flows fewer, and not of one that is not there', () => {
    const first = new TcpFlowCounts();
    first.own = limits.flowsAhead + 1;
    expect(first.isAhead).toBe(false);
    const second = new TcpFlowCounts(first.memory, 1);
    second.own = 1;
    expect([first.isAhead, second.isAhead]).toEqual([false, false]);
    second.own = 0;
    expect([first.isAhead, second.isAhead]).toEqual([true, false]);
    first.leave(1);
    expect(first.isAhead).toBe(false);
  });
});

describeWhere(process.platform === 'linux', 'not Linux', 'connections that come one by one', () => {
  const scope = useScope();
  const connections = 100;

  async function spread(route: { readonly maxFlows?: number }): Promise<number[]> {
    const tcpFlows = new TcpFlowCounts();
    const rig = startRig(scope, spliceEngine(2, fixedShards(2), tcpFlows));
    const server = await tcpServer(scope, '127.0.0.1', echo);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address], route);
    // Both threads are there, and have the listener, once both have answered.
    await rig.clock.advance(0);
    const counts = () => [...new Int32Array(tcpFlows.memory).subarray(0, 2)];
    for (let opened = 0; opened < connections; opened += 1) {
      const client = tcpClient(scope, endpoint);
      client.write('.');
      await readExactly(client, 1);
    }
    const most = counts();
    await service.close();
    await until('no flow to be counted', () => counts().every((count) => count === 0));
    return most;
  }

  test('are spread over both threads: neither has less than two fifths of them', async () => {
    const [one = 0, other = 0] = await spread({});
    expect(one + other).toBe(connections);
    // A thread that others keep from its processor for a moment leaves some to the one that is awake.
    expect(Math.min(one, other)).toBeGreaterThanOrEqual((2 * connections) / 5);
  });

  test('are all one thread’s where the listener is', async () => {
    expect(await spread({ maxFlows: connections })).toEqual([connections, 0]);
  });
});

/** What every engine does with TCP flows when an address is nobody's any more. */
import { describe, expect, test } from '@jest/globals';
import type { Listener, Route } from '../../src/engine/engine.js';
import { useScope } from '../support/scope.js';
import { silentTarget } from '../support/silent-target.js';
import { ending, endpointOf, readAll, readExactly, tcpClient, tcpServer } from '../support/tcp-peers.js';
import { until } from '../support/until.js';
import { type EngineUnderTest, openFlow, startRig, testRoute } from './rig.js';

export function tcpTargetGone<L extends Listener>(under: EngineUnderTest<L>): void {
  describe('TCP, an address that is gone', () => {
    const scope = useScope();

    test('flows open to it are reset on both sides at once', async () => {
      const { rig, service, client, accepted } = await openFlow(
        scope,
        startRig(scope, under),
        '127.0.0.1',
        '127.0.0.1',
      );
      const { localPort = 0 } = accepted;
      const seen = Promise.all([ending(client), ending(accepted)]);
      service.endFlowsTo([{ kind: 'ip', ...endpointOf('127.0.0.1', localPort) }]);
      expect(await seen).toEqual(['reset', 'reset']);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-gone', failed: undefined });
      expect(service.counters().flowsToGoneTarget).toBe(1);
    });

    test('flows to other addresses are left alone', async () => {
      const { rig, service, client, accepted } = await openFlow(
        scope,
        startRig(scope, under),
        '127.0.0.1',
        '127.0.0.1',
      );
      const { localPort = 0 } = accepted;
      service.endFlowsTo([
        { kind: 'ip', ...endpointOf('127.0.0.2', localPort) },
        { kind: 'ip', ...endpointOf('127.0.0.1', localPort ^ 1) },
        { kind: 'unix', path: '/run/app.sock' },
      ]);
      await rig.clock.advance(0);
      client.write('still');
      expect((await readExactly(accepted, 5)).toString()).toBe('still');
      expect(rig.ends).toEqual([]);
    });

    const dialling = async (route: Partial<Route> = {}) => {
      const rig = startRig(scope, under);
      const silent = await silentTarget(scope);
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [silent], {
        connectTimeoutMs: 5_000,
        ...route,
      });
      const client = tcpClient(scope, endpoint);
      client.write('early');
      await until('the dial to begin', () => rig.engine.flowCount() === 1);
      return { rig, service, silent, client };
    };

    test('a flow that is being dialled to it goes to the new route instead', async () => {
      const { service, silent, client } = await dialling();
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('hello'));
      service.setRoute({ ...testRoute, targets: [server.address] });
      service.endFlowsTo([silent]);
      expect((await readExactly(await server.next(), 5)).toString()).toBe('early');
      expect((await readAll(client)).toString()).toBe('hello');
      expect(service.counters().dialsFailed).toBe(0);
    });

    test('where the new route has no address it waits for one', async () => {
      const { rig, service, silent, client } = await dialling();
      service.setRoute({ ...testRoute, targets: [], waitMs: 10_000 });
      service.endFlowsTo([silent]);
      await until('the flow to wait', () => service.counters().flowsWaited === 1);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('hello'));
      service.setRoute({ ...testRoute, targets: [server.address], waitMs: 10_000 });
      expect((await readAll(client)).toString()).toBe('hello');
      expect(rig.troubles).toEqual([]);
    });

    test('where that may not wait either it ends', async () => {
      const { rig, service, silent, client } = await dialling();
      service.setRoute({ ...testRoute, targets: [] });
      service.endFlowsTo([silent]);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-unreachable' });
    });
  });

  describe('TCP, a new route during a dial', () => {
    const scope = useScope();

    test('is where the flow goes when that dial fails', async () => {
      const rig = startRig(scope, under);
      const silent = await silentTarget(scope);
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [silent], {
        connectTimeoutMs: 5_000,
      });
      const client = tcpClient(scope, endpoint);
      await until('the dial to begin', () => rig.engine.flowCount() === 1);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('hello'));
      service.setRoute({ ...testRoute, targets: [server.address] });
      await rig.clock.advance(4_900);
      expect(service.counters().dialsFailed).toBe(0);
      await rig.clock.advance(200);
      expect((await readAll(client)).toString()).toBe('hello');
      expect(service.counters().dialsFailed).toBe(1);
    });
  });
}

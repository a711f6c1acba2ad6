/** What every engine does about a target that is not there, and about which address to dial. */
import { describe, expect, test } from '@jest/globals';
import type { Listener, TargetAddress } from '../../src/engine/engine.js';
import { hasIpv6 } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { silentTarget } from '../support/silent-target.js';
import {
  closedPort,
  ending,
  endpointOf,
  readAll,
  readExactly,
  tcpClient,
  tcpServer,
} from '../support/tcp-peers.js';
import { until } from '../support/until.js';
import { type EngineUnderTest, startRig, testRoute } from './rig.js';

/** TCP to a broadcast or multicast address fails at once, on every machine. */
const unreachable: TargetAddress = { kind: 'ip', ...endpointOf('255.255.255.255', 80) };
const unreachableIpv6: TargetAddress = { kind: 'ip', ...endpointOf('ff02::1', 80) };
const missingSocket: TargetAddress = { kind: 'unix', path: '/nonexistent/sluice-test.sock' };

export function tcpDialling<L extends Listener>(under: EngineUnderTest<L>): void {
  describe('TCP, a target that is not there', () => {
    const scope = useScope();
    const dial = async (targets: readonly TargetAddress[]) => {
      const rig = startRig(scope, under);
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', targets, { connectTimeoutMs: 5_000 });
      const client = tcpClient(scope, endpoint);
      return { rig, client, service };
    };

    test('one that refuses is a reset for the client', async () => {
      const target = await closedPort(scope, '127.0.0.1');
      const { rig, client } = await dial([target]);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({
        reason: 'target-refused',
        failed: 'target',
        error: 'ECONNREFUSED',
        target,
      });
    });

    const unreachables = [
      ['an IPv4 address', unreachable],
      ...(hasIpv6 ? ([['an IPv6 address', unreachableIpv6]] as const) : []),
      ['a unix socket', missingSocket],
    ] as const;
    test.each(unreachables)('%s that cannot be reached is a reset for the client', async (_name, target) => {
      const { rig, client } = await dial([target]);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-unreachable', failed: 'target', target });
    });

    test('one that answers nothing is given up after the connect timeout, not before', async () => {
      const { rig, client } = await dial([await silentTarget(scope)]);
      const seen = ending(client);
      await until('the dial to begin', () => rig.engine.flowCount() === 1);
      await rig.clock.advance(4_900);
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(200);
      expect(await seen).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'connect-timeout', failed: 'target' });
    });

    test('no address at all is a reset for the client', async () => {
      const { rig, client } = await dial([]);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-unreachable', target: undefined });
    });

    test('a flow goes on to the next address when one refuses, is unreachable or is silent', async () => {
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.write('hello'));
      const silent = await silentTarget(scope);
      const { rig, client, service } = await dial([
        await closedPort(scope, '127.0.0.1'),
        unreachable,
        missingSocket,
        silent,
        server.address,
      ]);
      const heard = readExactly(client, 5);
      await until('the silent address to be dialled', () => service.counters().dialsFailed === 3);
      await rig.clock.advance(5_000);
      expect((await heard).toString()).toBe('hello');
      expect(service.counters().dialsFailed).toBe(4);
    });

    test('when every address fails the last failure is the reason', async () => {
      const { rig, client } = await dial([unreachable, await closedPort(scope, '127.0.0.1')]);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-refused' });
    });
  });

  describe('TCP, a new route', () => {
    const scope = useScope();

    test('takes new flows elsewhere and leaves those in progress alone', async () => {
      const rig = startRig(scope, under);
      const before = await tcpServer(scope, '127.0.0.1', (socket) => socket.on('end', () => socket.end()));
      const after = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('after'));
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [before.address]);
      const early = tcpClient(scope, endpoint);
      const accepted = await before.next();
      service.setRoute({ ...testRoute, targets: [after.address] });
      await until('a new flow to go to the new address', async () => {
        const late = tcpClient(scope, endpoint);
        late.end();
        return (await readAll(late)).toString() === 'after';
      });
      early.write('still here');
      expect((await readExactly(accepted, 10)).toString()).toBe('still here');
    });
  });
}

/** What every engine keeps of a UDP client whose target is not there, and what it does when an address is gone. */
import { describe, expect, test } from '@jest/globals';
import type { Listener, Route, TargetAddress } from '../../src/engine/engine.js';
import { limits } from '../../src/limits.js';
import { useScope } from '../support/scope.js';
import { echo, type UdpPeer, udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';
import { type EngineUnderTest, startRig, testRoute } from './rig.js';

const waitMs = 10_000;

export function udpWaiting<L extends Listener>(under: EngineUnderTest<L>): void {
  const scope = useScope();

  const start = async (targets: readonly TargetAddress[] = []) => {
    const rig = startRig(scope, under);
    const { endpoint, service } = await rig.serve('udp', '127.0.0.1', targets, { waitMs });
    const client = await udpPeer(scope, '127.0.0.1');
    const sendKept = async (...texts: string[]) => {
      for (const text of texts) {
        const before = service.counters().datagramsKept;
        client.send(text, endpoint);
        await until('the datagram to be kept', () => service.counters().datagramsKept > before);
      }
    };
    const reroute = (next: readonly TargetAddress[], route: Partial<Route> = {}) =>
      service.setRoute({ ...testRoute, waitMs, targets: next, ...route });
    return { rig, endpoint, service, client, sendKept, reroute };
  };

  const textsOf = async (peer: UdpPeer, count: number) => {
    await until(`${count} datagrams`, () => peer.received.length >= count);
    return peer.received.map(({ datagram }) => datagram.toString());
  };

  describe('UDP, a target without an address', () => {
    test("a client's datagrams are kept, and sent in order before later ones, when there is one", async () => {
      const { rig, endpoint, service, client, sendKept, reroute } = await start();
      await sendKept('one', '', 'three');
      await rig.clock.advance(9_000);
      const target = await udpPeer(scope, '127.0.0.1', echo);
      reroute([target.address], { waitMs: 0 });
      client.send('four', endpoint);
      expect(await textsOf(target, 4)).toEqual(['one', '', 'three', 'four']);
      expect(await textsOf(client, 4)).toEqual(['one', '', 'three', 'four']);
      expect(new Set(target.received.map(({ from }) => from.port)).size).toBe(1);
      expect(service.counters()).toMatchObject({
        flowsOpened: 1,
        datagramsKept: 3,
        datagramsWithoutTarget: 0,
      });
    });

    test('the newest are kept where there is no room for all, and the loss is counted', async () => {
      const { service, sendKept, reroute } = await start();
      const texts = Array.from({ length: limits.waitingDatagrams + 3 }, (_, index) => `datagram ${index}`);
      await sendKept(...texts);
      const target = await udpPeer(scope, '127.0.0.1');
      reroute([target.address]);
      expect(await textsOf(target, limits.waitingDatagrams)).toEqual(texts.slice(3));
      expect(service.counters().datagramsWithoutTarget).toBe(3);
    });

    test('a datagram of the largest size is kept whole', async () => {
      const { endpoint, service, client, reroute } = await start();
      client.send(Buffer.alloc(65_507, 7), endpoint);
      await until('it to be kept', () => service.counters().datagramsKept === 1);
      const target = await udpPeer(scope, '127.0.0.1');
      reroute([target.address]);
      expect((await target.next()).datagram.equals(Buffer.alloc(65_507, 7))).toBe(true);
    });

    test('what waits for an address that cannot be connected to is counted once, and waits no longer', async () => {
      const target = await udpPeer(scope, '127.0.0.1');
      // connect(2) says EACCES to a datagram socket that did not ask to broadcast.
      const ip = { family: 4, text: '255.255.255.255' } as const;
      const broadcast: TargetAddress = { kind: 'ip', ip, port: 9 };
      const { rig, service, sendKept, reroute } = await start([broadcast]);
      await sendKept('too old');
      await rig.clock.advance(waitMs / 2);
      await sendKept('one', 'two');
      await rig.clock.advance(waitMs / 2);
      reroute([target.address]);
      expect(await textsOf(target, 2)).toEqual(['one', 'two']);
      expect(service.counters()).toMatchObject({ datagramsKept: 3, datagramsWithoutTarget: 1 });
    });

    test('none is sent later than it may wait', async () => {
      const { rig, service, sendKept, reroute } = await start();
      await sendKept('too old');
      await rig.clock.advance(6_000);
      await sendKept('in time');
      await rig.clock.advance(6_000);
      const target = await udpPeer(scope, '127.0.0.1');
      reroute([target.address]);
      expect(await textsOf(target, 1)).toEqual(['in time']);
      expect(service.counters().datagramsWithoutTarget).toBe(1);
    });

    test('an address that nothing can be sent to is none', async () => {
      // Without SO_BROADCAST this connect fails.
      const broadcast = { kind: 'ip', ip: { family: 4, text: '255.255.255.255' }, port: 9 } as const;
      const { endpoint, client, sendKept, reroute } = await start([broadcast]);
      await sendKept('one', 'two');
      const target = await udpPeer(scope, '127.0.0.1');
      reroute([broadcast, target.address]);
      client.send('three', endpoint);
      expect(await textsOf(target, 3)).toEqual(['one', 'two', 'three']);
    });

    test('what an association still keeps at its end is lost, and counted', async () => {
      const { rig, service, sendKept } = await start();
      await sendKept('one', 'two');
      await rig.clock.advance(30_500);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired', target: undefined, bytesIn: 6 });
      expect(service.counters().datagramsWithoutTarget).toBe(2);
    });

    test('a drain ends an association that waits once it was quiet, and close ends it at once', async () => {
      const { rig, service, sendKept } = await start();
      await sendKept('one');
      const draining = service.drain();
      await rig.clock.advance(1_100);
      await draining;
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired' });
      const other = await start();
      await other.sendKept('one');
      await other.service.close();
      expect(await other.rig.nextEnd()).toMatchObject({ reason: 'drained' });
    });
  });

  describe('UDP, an address that is gone', () => {
    test("its associations end, and a client's next datagram makes a new one", async () => {
      const before = await udpPeer(scope, '127.0.0.1', echo);
      const { rig, endpoint, service, client, reroute } = await start([before.address]);
      client.send('hello', endpoint);
      await client.next();
      const after = await udpPeer(scope, '127.0.0.1', echo);
      reroute([after.address]);
      service.endFlowsTo([before.address]);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-gone', target: before.address });
      client.send('again', endpoint);
      expect((await client.next()).datagram.toString()).toBe('again');
      expect(after.received).toHaveLength(1);
      expect(service.counters()).toMatchObject({ flowsOpened: 2, flowsToGoneTarget: 1 });
    });

    test('associations to other addresses, and those that wait for one, are left alone', async () => {
      const before = await udpPeer(scope, '127.0.0.1', echo);
      const { rig, endpoint, service, client, sendKept, reroute } = await start([before.address]);
      const other = await udpPeer(scope, '127.0.0.1');
      other.send('hello', endpoint);
      await other.next();
      reroute([]);
      await sendKept('kept');
      const gone = await udpPeer(scope, '127.0.0.1');
      service.endFlowsTo([gone.address]);
      reroute([before.address]);
      expect((await client.next()).datagram.toString()).toBe('kept');
      other.send('still', endpoint);
      expect((await other.next()).datagram.toString()).toBe('still');
      expect(rig.ends).toEqual([]);
    });
  });
}

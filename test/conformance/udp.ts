/** The UDP policy, as every engine has it. */
import { describe, expect, test } from '@jest/globals';
import type { Listener, Route } from '../../src/engine/engine.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { endpointOf } from '../support/tcp-peers.js';
import { echo, udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';
import { type EngineUnderTest, startRig } from './rig.js';

const sizes = [0, 1, 64, 512, 1200, 1472, 9000, 65_507];

export function udpPolicy<L extends Listener>(under: EngineUnderTest<L>): void {
  for (const [name, listen, target] of [
    ['IPv4 to IPv4', '127.0.0.1', '127.0.0.1'],
    ['IPv6 to IPv6', '::1', '::1'],
    ['IPv6 to IPv4', '::1', '127.0.0.1'],
    ['IPv4 to IPv6', '127.0.0.1', '::1'],
  ] as const) {
    const needsIpv6 = `${listen}${target}`.includes(':');
    describeWhere(!needsIpv6 || hasIpv6, 'no IPv6', `UDP, ${name}`, () => boundaries(under, listen, target));
  }

  describe('UDP, clients', () => {
    const scope = useScope();

    test('each has its own association, and gets only its own answers', async () => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const { endpoint } = await rig.serve('udp', '127.0.0.1', [target.address]);
      const clients = await Promise.all([udpPeer(scope, '127.0.0.1'), udpPeer(scope, '127.0.0.1')]);
      for (let round = 0; round < 50; round += 1) {
        for (const [index, client] of clients.entries()) client.send(`${index} ${round}`, endpoint);
        for (const [index, client] of clients.entries()) {
          expect((await client.next()).datagram.toString()).toBe(`${index} ${round}`);
        }
      }
      expect(new Set(target.received.map(({ from }) => from.port)).size).toBe(2);
      expect(rig.engine.flowCount()).toBe(2);
    });

    test('a target may answer many times, and later', async () => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1');
      const { endpoint } = await rig.serve('udp', '127.0.0.1', [target.address]);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('subscribe', endpoint);
      const { from } = await target.next();
      for (const news of ['one', 'two', 'three']) target.send(news, endpointOf(from.address, from.port));
      for (const news of ['one', 'two', 'three']) {
        const received = await client.next();
        expect(received.datagram.toString()).toBe(news);
        expect(received.from.port).toBe(endpoint.port);
      }
    });

    test('one that floods does not starve another', async () => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const { endpoint } = await rig.serve('udp', '127.0.0.1', [target.address]);
      const flooder = await udpPeer(scope, '127.0.0.1');
      const modest = await udpPeer(scope, '127.0.0.1');
      const flood = setInterval(() => {
        for (let n = 0; n < 20; n += 1) flooder.send(Buffer.alloc(1200), endpoint);
      }, 1);
      scope.onEnd(() => clearInterval(flood));
      await until('the flood to run', () => flooder.received.length > 100);
      // The flood may cost some, where the kernel's queue is full: half of them at most.
      for (let sent = 0; sent < 20 && modest.received.length < 10; sent += 1) {
        const answered = modest.received.length;
        modest.send(`${sent}`, endpoint);
        const sentMs = performance.now();
        await until(
          'an answer, or a loss',
          () => modest.received.length > answered || performance.now() - sentMs > 500,
        );
      }
      expect(modest.received.length).toBeGreaterThanOrEqual(10);
    });
  });

  describe('UDP, a target that is not there', () => {
    const scope = useScope();

    test('costs its datagrams, never the association', async () => {
      const rig = startRig(scope, under);
      const gone = await udpPeer(scope, '127.0.0.1');
      await gone.close();
      const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [gone.address]);
      const client = await udpPeer(scope, '127.0.0.1');
      await until('a refusal to be counted', () => {
        client.send('anybody?', endpoint);
        return service.counters().datagramsRefused > 0;
      });
      const back = await udpPeer(scope, '127.0.0.1', echo, gone.endpoint.port);
      // The first datagram may still be told of the refusal before it.
      await until('an answer', () => {
        client.send('hello', endpoint);
        return client.received.length > 0;
      });
      expect(new Set(back.received.map(({ from }) => from.port)).size).toBe(1);
      expect(rig.ends).toHaveLength(0);
      expect(service.counters().flowsOpened).toBe(1);
    });

    test('with no address at all datagrams are dropped and counted', async () => {
      const rig = startRig(scope, under);
      const { endpoint, service } = await rig.serve('udp', '127.0.0.1', []);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('anybody?', endpoint);
      await until('the drop to be counted', () => service.counters().datagramsWithoutTarget === 1);
      expect(rig.engine.flowCount()).toBe(0);
    });

    test('an address that cannot be sent to is passed over for the next', async () => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1', echo);
      // Without SO_BROADCAST this connect fails.
      const broadcast = { kind: 'ip', ...endpointOf('255.255.255.255', 9) } as const;
      const { endpoint } = await rig.serve('udp', '127.0.0.1', [broadcast, target.address]);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('hello', endpoint);
      expect((await client.next()).datagram.toString()).toBe('hello');
    });
  });

  describe('UDP, time', () => {
    const scope = useScope();
    const open = async (route: Partial<Route> = {}) => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1');
      const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [target.address], route);
      const client = await udpPeer(scope, '127.0.0.1');
      const ask = async (text: string) => {
        client.send(text, endpoint);
        return endpointOf('127.0.0.1', (await target.next()).from.port);
      };
      const answer = async (association: ReturnType<typeof endpointOf>) => {
        target.send('answer', association);
        await client.next();
      };
      return { rig, service, ask, answer };
    };

    test('an association whose target never answered is forgotten after 30 s', async () => {
      const { rig, ask } = await open();
      await ask('anybody?');
      await rig.clock.advance(29_000);
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(1_500);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired', bytesIn: 8, bytesOut: 0 });
      expect(rig.engine.flowCount()).toBe(0);
    });

    test('one whose target has answered is forgotten after 90 s', async () => {
      const { rig, ask, answer } = await open();
      await answer(await ask('hello'));
      await rig.clock.advance(89_000);
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(1_500);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired', bytesIn: 5, bytesOut: 6 });
    });

    test('traffic from the client renews it', async () => {
      const { rig, ask } = await open();
      const first = await ask('one');
      for (let round = 0; round < 5; round += 1) {
        await rig.clock.advance(25_000);
        expect(await ask('more')).toEqual(first);
      }
      expect(rig.ends).toHaveLength(0);
    });

    test('traffic from the target renews it', async () => {
      const { rig, ask, answer } = await open();
      const association = await ask('one');
      for (let round = 0; round < 5; round += 1) {
        await answer(association);
        await rig.clock.advance(80_000);
      }
      expect(rig.ends).toHaveLength(0);
      await rig.clock.advance(11_000);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired' });
    });

    test('an answered association may have the shorter timeout', async () => {
      const { rig, ask, answer } = await open({ udpUnansweredTimeoutMs: 30_000, udpTimeoutMs: 5_000 });
      await answer(await ask('hello'));
      await rig.clock.advance(5_500);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired' });
    });

    test('drain ends an association once it has been quiet for a second', async () => {
      const { rig, service, ask, answer } = await open();
      await answer(await ask('hello'));
      let drained = false;
      const draining = service.drain().then(() => {
        drained = true;
      });
      await rig.clock.advance(500);
      expect(drained).toBe(false);
      await rig.clock.advance(600);
      await draining;
      expect(await rig.nextEnd()).toMatchObject({ reason: 'expired' });
    });

    test('close ends what is left as drained', async () => {
      const { rig, service, ask } = await open();
      await ask('hello');
      await service.close();
      expect(await rig.nextEnd()).toMatchObject({ reason: 'drained' });
      expect(rig.engine.flowCount()).toBe(0);
    });
  });

  describe('UDP, the bound of the table', () => {
    const scope = useScope();

    test('the association idle longest goes first', async () => {
      const rig = startRig(scope, under);
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const { endpoint, service } = await rig.serve('udp', '127.0.0.1', [target.address], { maxFlows: 3 });
      const clients = [];
      for (let index = 0; index < 3; index += 1) {
        const client = await udpPeer(scope, '127.0.0.1');
        client.send('hello', endpoint);
        await client.next();
        await rig.clock.advance(1_000);
        clients.push(client);
      }
      const [first, second] = clients;
      first?.send('again', endpoint);
      await first?.next();
      const newcomer = await udpPeer(scope, '127.0.0.1');
      newcomer.send('room?', endpoint);
      expect((await newcomer.next()).datagram.toString()).toBe('room?');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'evicted', client: second?.endpoint });
      expect(rig.engine.flowCount()).toBe(3);
      expect(service.counters().associationsEvicted).toBe(1);
    });

    test('a process that is full of other flows drops the datagram and says so', async () => {
      const rig = startRig(scope, under, { maxFlows: 1 });
      const target = await udpPeer(scope, '127.0.0.1', echo);
      const full = await rig.serve('udp', '127.0.0.1', [target.address]);
      // One in between: an engine of two threads gives the first and the third to the same.
      await rig.serve('udp', '127.0.0.1', [target.address]);
      const other = await rig.serve('udp', '127.0.0.1', [target.address]);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send('first', full.endpoint);
      await client.next();
      client.send('second', other.endpoint);
      await until('the drop to be counted', () => other.service.counters().flowsOverLimit === 1);
      client.send('third', full.endpoint);
      expect((await client.next()).datagram.toString()).toBe('third');
    });
  });
}

function boundaries<L extends Listener>(under: EngineUnderTest<L>, listen: string, host: string): void {
  const scope = useScope();

  test('datagrams of every size keep their boundaries both ways', async () => {
    const rig = startRig(scope, under);
    const target = await udpPeer(scope, host, echo);
    const { endpoint, service } = await rig.serve('udp', listen, [target.address]);
    const client = await udpPeer(scope, listen);
    for (const [index, size] of sizes.entries()) {
      const datagram = Buffer.alloc(size, index + 1);
      client.send(datagram, endpoint);
      const answer = await client.next();
      expect(answer.datagram.equals(datagram)).toBe(true);
      expect(target.received.at(-1)?.datagram.length).toBe(size);
      expect(answer.from).toMatchObject({ address: listen, port: endpoint.port });
    }
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(service.counters()).toMatchObject({
      datagramsIn: sizes.length,
      datagramsOut: sizes.length,
      bytesIn: total,
      bytesOut: total,
    });
  });

  test('a burst of datagrams, alike and not, keeps its boundaries and its order both ways', async () => {
    const rig = startRig(scope, under);
    const target = await udpPeer(scope, host, echo);
    const { endpoint } = await rig.serve('udp', listen, [target.address]);
    const client = await udpPeer(scope, listen);
    const burst = Array.from({ length: 20 }, () => [64, 64, 64, 1200, 1200, 300, 0])
      .flat()
      .map((size, index) => Buffer.alloc(size, index + 1));
    for (const datagram of burst) client.send(datagram, endpoint);
    await until('every answer', () => client.received.length === burst.length);
    expect(client.received.map(({ datagram }) => datagram)).toEqual(burst);
    expect(target.received.map(({ datagram }) => datagram)).toEqual(burst);
  });
}

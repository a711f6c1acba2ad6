/** What every engine bounds over TCP: memory, flows, idleness and the time a drain takes. */
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { Endpoint } from '../../src/address/endpoint.js';
import type { Listener } from '../../src/engine/engine.js';
import { useScope } from '../support/scope.js';
import {
  ending,
  hashAll,
  readAll,
  readExactly,
  sendPattern,
  tcpClient,
  tcpServer,
} from '../support/tcp-peers.js';
import { settled, until } from '../support/until.js';
import { type EngineUnderTest, openFlow, startRig } from './rig.js';

export function tcpBounds<L extends Listener>(under: EngineUnderTest<L>): void {
  describe('TCP, a slow reader', () => {
    const scope = useScope();

    test('holds its sender back, so that memory stays bounded, and gets everything in the end', async () => {
      const rig = startRig(scope, under);
      const server = await tcpServer(scope, '127.0.0.1');
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
      const client = tcpClient(scope, endpoint);
      const accepted = await server.next();
      const before = process.memoryUsage().rss;
      const mebibytes = 128;
      const sent = sendPattern(accepted, mebibytes);
      const taken = await settled('what the engine takes', () => service.counters().bytesOut);
      // What has been taken is in the kernel's socket buffers, which grow to a few MiB each, and one buffer of ours.
      expect(taken).toBeGreaterThan(0);
      expect(taken).toBeLessThan(32 << 20);
      expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
      expect(await hashAll(client)).toBe(await sent);
      client.end();
      expect(await rig.nextEnd()).toMatchObject({ reason: 'done', bytesOut: mebibytes << 20 });
    });
  });

  describe('TCP, many flows', () => {
    const scope = useScope();

    test('a thousand at once are each carried', async () => {
      const rig = startRig(scope, under);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      const { endpoint } = await rig.serve('tcp', '127.0.0.1', [server.address]);
      const count = 1_000;
      const clients = Array.from({ length: count }, () => tcpClient(scope, endpoint));
      await until('every flow to be open', () => server.connections.length === count);
      expect(rig.engine.flowCount()).toBe(count);
      const echoed = await Promise.all(
        clients.map(async (client, index) => {
          client.end(`flow ${index}`);
          return (await readAll(client)).toString();
        }),
      );
      expect(echoed).toEqual(clients.map((_, index) => `flow ${index}`));
      await until('every flow to end', () => rig.ends.length === count);
      expect(new Set(rig.ends.map(({ reason }) => reason))).toEqual(new Set(['done']));
      expect(rig.engine.flowCount()).toBe(0);
    });

    const outcomes = { resets: 'is reset', waits: 'waits in the queue' } as const;
    test(`past max_flows a client ${outcomes[under.atFlowLimit]}, and there is room again when a flow ends`, async () => {
      const rig = startRig(scope, under);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address], { maxFlows: 2 });
      const [first] = [tcpClient(scope, endpoint), tcpClient(scope, endpoint)];
      await until('two flows', () => rig.engine.flowCount() === 2);
      const third = tcpClient(scope, endpoint);
      if (under.atFlowLimit === 'resets') {
        expect(await ending(third)).toBe('reset');
        expect(await rig.nextEnd()).toMatchObject({ reason: 'flow-limit', failed: undefined });
      }
      await until('the limit to be counted', () => service.counters().flowsOverLimit > 0);
      expect(rig.engine.flowCount()).toBe(2);
      first.end('room');
      expect((await readAll(first)).toString()).toBe('room');
      await until('room for one more', () => rig.ends.some(({ reason }) => reason === 'done'));
      const late = under.atFlowLimit === 'waits' ? third : tcpClient(scope, endpoint);
      late.write('in');
      expect((await readExactly(late, 2)).toString()).toBe('in');
    });
  });

  describe('TCP, idleness', () => {
    const scope = useScope();
    const idleTimeoutMs = 300;
    const open = () =>
      openFlow(scope, startRig(scope, under, { heldClock: false }), '127.0.0.1', '127.0.0.1', {
        idleTimeoutMs,
      });

    test('a flow on which nothing moves is reset on both sides', async () => {
      const { rig, client, accepted } = await open();
      expect(await Promise.all([ending(client), ending(accepted)])).toEqual(['reset', 'reset']);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'idle-timeout', failed: undefined });
    });

    test.each(['client', 'target'] as const)('what only the %s sends keeps a flow alive', async (speaker) => {
      const { rig, client, accepted } = await open();
      const [from, to] = speaker === 'client' ? [client, accepted] : [accepted, client];
      const startedMs = performance.now();
      while (performance.now() - startedMs < 3 * idleTimeoutMs) await sendByte(from, to);
      expect(rig.ends).toHaveLength(0);
    });
  });

  describe('TCP, the end of a service', () => {
    const scope = useScope();
    const open = () => openFlow(scope, startRig(scope, under), '127.0.0.1', '127.0.0.1');

    test('drain frees the port at once and waits for the flows in progress', async () => {
      const { endpoint, service, client, accepted } = await open();
      let drained = false;
      const draining = service.drain().then(() => {
        drained = true;
      });
      await until('the port to be free', () => refuses(endpoint));
      client.end('last words');
      expect((await readAll(accepted)).toString()).toBe('last words');
      expect(drained).toBe(false);
      accepted.end('farewell');
      expect((await readAll(client)).toString()).toBe('farewell');
      await draining;
    });

    test('close resets what is left, as drained, and ends a drain', async () => {
      const { rig, service, client, accepted } = await open();
      const draining = service.drain();
      const seen = Promise.all([ending(client), ending(accepted)]);
      await service.close();
      await draining;
      expect(await seen).toEqual(['reset', 'reset']);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'drained' });
      expect(rig.engine.flowCount()).toBe(0);
    });

    async function refuses(endpoint: Endpoint): Promise<boolean> {
      return (await ending(tcpClient(scope, endpoint))) === 'ECONNREFUSED';
    }
  });
}

async function sendByte(from: Socket, to: Socket): Promise<void> {
  from.write('.');
  await readExactly(to, 1);
}

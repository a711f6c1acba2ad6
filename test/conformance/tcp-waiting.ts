/** What every engine does with TCP flows whose target is not there yet, where the route lets them wait. */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { Listener, Route, TargetAddress } from '../../src/engine/engine.js';
import { limits } from '../../src/limits.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import {
  closedPort,
  ending,
  exchange,
  readAll,
  readExactly,
  tcpClient,
  tcpServer,
} from '../support/tcp-peers.js';
import { until } from '../support/until.js';
import { type EngineUnderTest, startRig, testRoute } from './rig.js';

const waitMs = 10_000;

export function tcpWaiting<L extends Listener>(under: EngineUnderTest<L>): void {
  const scope = useScope();

  const start = async (targets: readonly TargetAddress[], bounds: Partial<Route> = {}) => {
    const rig = startRig(scope, under);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', targets, { waitMs, ...bounds });
    const waited = (count: number) =>
      until(`${count} flows to wait`, () => service.counters().flowsWaited === count);
    const clients: Socket[] = [];
    /** One more client, which waits. */
    const waiting = async () => {
      const client = tcpClient(scope, endpoint);
      clients.push(client);
      await waited(clients.length);
      return client;
    };
    const reroute = (next: readonly TargetAddress[], more: Partial<Route> = {}) =>
      service.setRoute({ ...testRoute, waitMs, ...bounds, targets: next, ...more });
    return { rig, endpoint, service, waited, waiting, reroute };
  };

  describe('TCP, a target without an address', () => {
    test('a client waits, and is served when there is one, with all that it had sent', async () => {
      const { rig, waiting, reroute } = await start([]);
      const client = await waiting();
      client.write('before');
      await rig.clock.advance(9_000);
      const server = await tcpServer(scope, '127.0.0.1');
      reroute([server.address]);
      const accepted = await server.next();
      client.write(', after');
      expect((await readExactly(accepted, 13)).toString()).toBe('before, after');
      accepted.write('answer');
      expect((await readExactly(client, 6)).toString()).toBe('answer');
      expect(rig.ends).toEqual([]);
    });

    test('one that sends its FIN meanwhile is served too', async () => {
      const { waiting, reroute } = await start([]);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      const [silent, speaking] = [await waiting(), await waiting()];
      const answers = Promise.all([exchange(silent, ''), exchange(speaking, 'question')]);
      reroute([server.address]);
      expect(await answers).toEqual(['', 'question']);
    });

    test('one that sends its FIN, and is tried in vain several times, is served too', async () => {
      const { rig, service, waiting, reroute } = await start([await closedPort(scope, '127.0.0.1')]);
      const client = await waiting();
      const answer = exchange(client, '');
      for (let tries = 2; tries < 5; tries += 1) {
        await rig.clock.advance(2 * limits.waitRetryMs);
        await until('another try', () => service.counters().dialsFailed >= tries);
      }
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('late'));
      reroute([server.address]);
      expect(await answer).toBe('late');
    });

    test('its wait ends when it has lasted as long as it may, not before, and that is counted and told of', async () => {
      const { rig, service, waiting } = await start([]);
      const client = await waiting();
      await rig.clock.advance(waitMs - 100);
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(200);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({
        reason: 'target-unreachable',
        failed: 'target',
        target: undefined,
      });
      expect(service.counters()).toMatchObject({ flowsWaited: 1, waitsOver: 1 });
      await until('it to be told', () => rig.troubles.length > 0);
      expect(rig.troubles).toEqual([
        expect.stringMatching(
          /^the target of 127\.0\.0\.1:\d+ took no connection within 10s: flows that waited/,
        ),
      ]);
    });

    test('waits that end in vain soon after one another are told of once', async () => {
      const { rig, service, waiting } = await start([]);
      for (let count = 0; count < 6; count += 1) await waiting();
      await rig.clock.advance(waitMs + 100);
      await until('every wait to end', () => service.counters().waitsOver === 6);
      await until('it to be told', () => rig.troubles.length > 0);
      expect(rig.troubles.length).toBeLessThanOrEqual(under.lines);
    });

    test('each waits from when it came', async () => {
      const { rig, service, waiting } = await start([]);
      await waiting();
      await rig.clock.advance(6_000);
      await waiting();
      await rig.clock.advance(4_100);
      await until('the first wait to end', () => service.counters().waitsOver === 1);
      expect(rig.engine.flowCount()).toBe(1);
      await rig.clock.advance(6_000);
      await until('the second wait to end', () => service.counters().waitsOver === 2);
    });

    test('who came first to a line is dialled first', async () => {
      const { waiting, reroute } = await start([]);
      const order: number[] = [];
      const server = await tcpServer(scope, '127.0.0.1');
      const count = 100;
      for (let index = 0; index < count; index += 1) (await waiting()).write(`${index} `.padEnd(4));
      reroute([server.address]);
      for (let index = 0; index < count; index += 1) {
        order.push(Number(await readExactly(await server.next(), 4)));
      }
      expect(linesIn(order)).toBeLessThanOrEqual(under.lines);
    });
  });

  describe('TCP, a target that refuses while it settles', () => {
    test('a flow is tried again, every so often, and goes through when the target is ready', async () => {
      const path = join(temporaryFolder(scope), 'late.sock');
      const { rig, service, waiting } = await start([{ kind: 'unix', path }]);
      const client = await waiting();
      await rig.clock.advance(2 * limits.waitRetryMs);
      await until('a second try', () => service.counters().dialsFailed > 1);
      const server = await tcpServer(scope, `unix:${path}`, (socket) => socket.end('ready'));
      await rig.clock.advance(2 * limits.waitRetryMs);
      expect((await readAll(client)).toString()).toBe('ready');
      expect(server.connections).toHaveLength(1);
    });

    test('the same route again has it tried at once', async () => {
      const path = join(temporaryFolder(scope), 'late.sock');
      const { waiting, reroute } = await start([{ kind: 'unix', path }]);
      const client = await waiting();
      await tcpServer(scope, `unix:${path}`, (socket) => socket.end('ready'));
      reroute([{ kind: 'unix', path }]);
      expect((await readAll(client)).toString()).toBe('ready');
    });

    test('when its wait is over the last failure is its end', async () => {
      const target = await closedPort(scope, '127.0.0.1');
      const { rig, waiting } = await start([target], { connectTimeoutMs: 60_000 });
      const client = await waiting();
      await rig.clock.advance(waitMs + 100);
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'target-refused', error: 'ECONNREFUSED', target });
    });

    test('one dial tries it for all that wait', async () => {
      const { rig, service, waiting } = await start([await closedPort(scope, '127.0.0.1')]);
      const flows = 20;
      for (let count = 0; count < flows; count += 1) await waiting();
      const before = service.counters().dialsFailed;
      for (let tries = 1; tries <= 5; tries += 1) {
        await rig.clock.advance(2 * limits.waitRetryMs);
        await until('a try', () => service.counters().dialsFailed >= before + tries);
      }
      expect(service.counters().dialsFailed - before).toBeLessThanOrEqual(2 * 5 * under.lines);
      expect(rig.engine.flowCount()).toBe(flows);
    });

    test('many that wait all go through once one has', async () => {
      const path = join(temporaryFolder(scope), 'late.sock');
      const { rig, waited, endpoint } = await start([{ kind: 'unix', path }]);
      const count = 3 * limits.waitingDials;
      const clients = Array.from({ length: count }, () => tcpClient(scope, endpoint));
      await waited(count);
      await tcpServer(scope, `unix:${path}`, (socket) => socket.pipe(socket));
      await rig.clock.advance(2 * limits.waitRetryMs);
      const echoed = await Promise.all(clients.map((client, index) => exchange(client, `flow ${index}`)));
      expect(echoed).toEqual(clients.map((_, index) => `flow ${index}`));
    });

    test('a route that lets nothing wait any more is the last try of all that do', async () => {
      const { rig, service, waiting, reroute } = await start([]);
      const clients = [await waiting(), await waiting()];
      reroute([await closedPort(scope, '127.0.0.1')], { waitMs: 0 });
      expect(await Promise.all(clients.map(ending))).toEqual(['reset', 'reset']);
      expect([await rig.nextEnd(), await rig.nextEnd()]).toMatchObject([
        { reason: 'target-refused' },
        { reason: 'target-refused' },
      ]);
      expect(service.counters().waitsOver).toBe(2);
    });
  });

  describe('TCP, the end of a flow that waits', () => {
    test('a client that resets leaves at once, and is not dialled', async () => {
      const { rig, waiting, reroute } = await start([]);
      const [gone, stays] = [await waiting(), await waiting()];
      gone.resetAndDestroy();
      expect(await rig.nextEnd()).toMatchObject({ reason: 'client-reset', failed: 'client' });
      expect(rig.engine.flowCount()).toBe(1);
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.end('one'));
      reroute([server.address]);
      expect((await readAll(stays)).toString()).toBe('one');
      expect(server.connections).toHaveLength(1);
    });

    test('a drain lets it be dialled until the grace is over', async () => {
      const { service, waiting, reroute } = await start([]);
      const client = await waiting();
      const draining = service.drain();
      const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
      reroute([server.address]);
      expect(await exchange(client, 'in time')).toBe('in time');
      await draining;
    });

    test('close resets it as drained', async () => {
      const { rig, service, waiting } = await start([]);
      const client = await waiting();
      const draining = service.drain();
      await service.close();
      await draining;
      expect(await ending(client)).toBe('reset');
      expect(await rig.nextEnd()).toMatchObject({ reason: 'drained' });
      expect(rig.engine.flowCount()).toBe(0);
    });
  });

  describe('TCP, how many may wait', () => {
    test('flows that wait count against max_flows', async () => {
      const { rig, endpoint, service, waiting } = await start([], { maxFlows: under.lines });
      await waiting();
      // Each thread has a share of the bound: one may be full while another has room.
      for (let count = 1; count < 8 * under.lines; count += 1) tcpClient(scope, endpoint);
      await until('the limit to be counted', () => service.counters().flowsOverLimit > 0);
      expect(rig.engine.flowCount()).toBeLessThanOrEqual(under.lines);
    });

    test('past the bound a flow is reset, which is counted and told of', async () => {
      const { rig, endpoint, service } = await start([], { maxFlows: 2 * limits.waitingFlows });
      const most = limits.waitingFlows;
      for (let count = 0; count <= most; count += 1) tcpClient(scope, endpoint);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'wait-limit', failed: undefined });
      await until('every client to be seen', () => service.counters().flowsOpened === most + 1);
      expect(service.counters().flowsOverWaitLimit).toBeGreaterThan(0);
      expect(rig.engine.flowCount()).toBeLessThanOrEqual(most);
      await until('it to be told', () => rig.troubles.length > 0);
      const told = `is not there and ${most / under.lines} flows wait for it: further ones are reset`;
      expect(rig.troubles[0]).toMatch(new RegExp(` ${told}$`));
    });
  });
}

/** How many lines, each in ascending order, must have been merged to give this order: 1 where it is itself one. */
function linesIn(order: readonly number[]): number {
  const lasts: number[] = [];
  for (const one of order) {
    const line = lasts.findIndex((last) => last < one);
    if (line < 0) lasts.push(one);
    else lasts[line] = one;
  }
  return lasts.length;
}

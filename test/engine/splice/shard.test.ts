/** What a shard promises its engine, whoever gives it its turns. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { OwnedDescriptors } from '../../../src/engine/splice/owned-descriptors.js';
import type { Report } from '../../../src/engine/splice/shard-messages.js';
import { TcpFlowCounts } from '../../../src/engine/splice/tcp-flow-counts.js';
import { limits } from '../../../src/limits.js';
import { AF_INET, SOCK_DGRAM, SOCK_STREAM } from '../../../src/sys/socket.js';
import { testRoute } from '../../conformance/rig.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { serveIn, startShard } from '../../support/shards.js';
import { endpointOf } from '../../support/tcp-peers.js';

/** Whether an epoll of this process has this descriptor (proc_pid_fdinfo(5)). */
function isWatched(descriptor: number): boolean {
  return readdirSync('/proc/self/fd').some((number) => {
    try {
      if (readlinkSync(`/proc/self/fd/${number}`) !== 'anon_inode:[eventpoll]') return false;
      return new RegExp(`^tfd: +${descriptor} `, 'm').test(
        readFileSync(`/proc/self/fdinfo/${number}`, 'utf8'),
      );
    } catch {
      // Closed since it was listed.
      return false;
    }
  });
}

describeWhere(process.platform === 'linux', 'not Linux', 'a shard', () => {
  const scope = useScope();

  test('says that it has left a listener once that is so: its number may be another’s soon after', () => {
    const { descriptor } = new RawSockets(scope).listener(SOCK_STREAM);
    const seen: [Report['kind'], boolean][] = [];
    const shard = startShard(scope, ({ kind }) => seen.push([kind, isWatched(descriptor)]));
    serveIn(shard, descriptor);
    expect(isWatched(descriptor)).toBe(true);
    shard.obey({ kind: 'drain', service: 1 });
    expect(seen).toEqual([
      ['empty', false],
      ['detached', false],
    ]);
  });

  test('has marked, of what it made to dial with, only what is still open: another may have the number of what is not', () => {
    const raw = new RawSockets(scope);
    const descriptor = raw.socket(AF_INET, SOCK_DGRAM);
    const client = raw.socket(AF_INET, SOCK_DGRAM);
    raw.connect(client, raw.bind(descriptor));
    const owned = new OwnedDescriptors().memory;
    const shard = startShard(scope, undefined, { owned });
    const marks = () => new Uint8Array(owned).filter(Boolean).length;
    const before = marks();
    // No socket may be connected to it that did not ask to broadcast.
    const broadcast = { kind: 'ip', ...endpointOf('255.255.255.255', 9), textNumber: 0 } as const;
    const counters = serveIn(shard, descriptor, { targets: [broadcast] }, 'udp');
    raw.send(client, 1);
    shard.loop.turn(10_000);
    expect(counters.snapshot()).toMatchObject({
      flowsOpened: 1,
      datagramsRefused: 0,
      datagramsWithoutTarget: 1,
    });
    expect(marks()).toBe(before);
  });

  test('has as many flows wait as its newest part of the bound says, and tells that number', () => {
    const raw = new RawSockets(scope);
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    const troubles: string[] = [];
    const shard = startShard(scope, (report) => {
      if (report.kind === 'waiting-trouble') troubles.push(report.trouble);
    });
    const route = { ...testRoute, waitMs: 10_000, targets: [], shared: true, waitingFlows: 4 };
    const counters = serveIn(shard, descriptor, route);
    shard.obey({ kind: 'route', service: 1, route: { ...route, waitingFlows: 2 } });
    for (let count = 1; count <= 3; count += 1) {
      raw.connect(raw.socket(AF_INET, SOCK_STREAM), port);
      shard.loop.turn(10_000);
    }
    expect(counters.snapshot()).toMatchObject({ flowsOpened: 3, flowsWaited: 2, flowsOverWaitLimit: 1 });
    expect(troubles).toEqual([expect.stringContaining(' 2 flows wait ')]);
  });

  test('leaves what comes to another that has fewer flows for some turns, then takes one, and all once it is not ahead', () => {
    const raw = new RawSockets(scope);
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    const own = new TcpFlowCounts();
    const shard = startShard(scope, undefined, { tcpFlowCounts: own.memory });
    const another = new TcpFlowCounts(own.memory, 1);
    another.own = 0;
    serveIn(shard, descriptor, { waitMs: 10_000, shared: true, waitingFlows: 10 });
    for (let count = 0; count < 10; count += 1) raw.connect(raw.socket(AF_INET, SOCK_STREAM), port);
    /** Turns until it has so many flows: each has an event, since the connections are there. */
    const turnsTo = (flows: number) => {
      let turns = 0;
      for (; own.own < flows && turns < 1_000; turns += 1) {
        shard.loop.turn(10_000);
        // Those that it leaves connections to run before its next sleep.
        expect(shard.loop.othersFirst).toBe(own.own < 10);
      }
      return turns;
    };
    expect(turnsTo(limits.flowsAhead + 1)).toBe(1);
    expect(turnsTo(limits.flowsAhead + 2)).toBe(limits.turnsLeftToOthers);
    expect(turnsTo(limits.flowsAhead + 3)).toBe(limits.turnsLeftToOthers);
    another.own = 10;
    expect(turnsTo(10)).toBe(1);
  });
});

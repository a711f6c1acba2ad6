/** The executable when nothing happens: it sleeps in its waits, and nothing of it runs. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';
import { canTrace, trace } from '../support/strace.js';
import { dial, echo, endpointOf, exchange, listenTcp } from '../support/tcp-peers.js';
import { echo as udpEcho, udpPeer } from '../support/udp-peers.js';
import { settled, until } from '../support/until.js';

const idleMs = 2_000;
const flows = 20;

/** What a record may take: 50 ms of it wait for others to come along. */
const recordMs = 3_000;

/** User and system time of a process and all its threads, in the kernel's ticks (proc(5)). */
function cpuTicks(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  return (user ?? Number.NaN) + (system ?? Number.NaN);
}

describeWhere(canTrace, 'no strace', 'sluice with nothing to do', () => {
  const scope = useScope();

  test.each([0, 2])('and %d threads makes no system call and uses no CPU', async (shards) => {
    const target = await udpPeer(scope, '127.0.0.1', udpEcho);
    const tcpPort = await listenTcp(scope, echo);
    const sluice = await runSluice(
      scope,
      [
        ...['--engine', 'splice', '--shards', `${shards}`, '--udp-timeout', '200ms'],
        ...['-p', `127.0.0.1::${tcpPort}`, '-p', `127.0.0.1::${target.endpoint.port}/udp`, '127.0.0.1'],
      ],
      2,
    );
    const clients = Array.from({ length: flows }, async (_, index) => {
      expect(await exchange(await dial(scope, sluice.port(0)), `${index}`)).toBe(`${index}`);
      const client = await udpPeer(scope, '127.0.0.1');
      client.send(`${index}`, endpointOf('127.0.0.1', sluice.port(1)));
      await client.next();
    });
    await Promise.all(clients);
    // Once its flows have ended, its timers have run out.
    await sluice.flowsLogged(flows, 'done');
    await sluice.flowsLogged(flows, 'expired');
    const made = await trace(scope, [sluice.pid], ['-f']);
    await until('the calls that it waits in to be traced', () => made.lines().length > 0);
    const atRest = () => made.lines().length + cpuTicks(sluice.pid);
    // V8 tidies its heap once, some seconds after the start: quiet may come before that, or after it.
    await settled('its system calls and its CPU time', atRest, idleMs);
    // What it does next is in the same trace.
    expect(await exchange(await dial(scope, sluice.port(0)), 'awake')).toBe('awake');
    expect(made.lines().some((line) => line.includes('accept4('))).toBe(true);
    await made.stop();
  });

  test.each([0, 1])('and %d threads tells of a flow’s end although nothing else happens', async (shards) => {
    const tcpPort = await listenTcp(scope, echo);
    const args = ['--engine', 'splice', '--shards', `${shards}`, '-p', `127.0.0.1::${tcpPort}`, '127.0.0.1'];
    const sluice = await runSluice(scope, args);
    for (let count = 1; count <= 3; count += 1) {
      expect(await exchange(await dial(scope, sluice.port()), 'over')).toBe('over');
      const endedMs = performance.now();
      await sluice.flowsLogged(count, 'done');
      expect(performance.now() - endedMs).toBeLessThan(recordMs);
    }
  });
});

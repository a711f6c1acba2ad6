/** Memory of idle flows: what a proxy's processes grow by, each. Kernel memory is the same for all and not counted. */
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from '../bounds.js';
import { Child } from '../child.js';
import { openFilesLimit } from '../machine.js';
import { referencePeer } from '../peers/all.js';
import { type Peer, startPeer } from '../peers/peer.js';
import { freePort } from '../ports.js';
import { cpuSecondsOf, residentBytesOf } from '../process-tree.js';
import type { Measured } from '../report.js';
import { startEcho, tcpProxies } from './echo.js';
import { loadProgram } from './generator.js';
import { cpuFigure, type OpenWork, type Place, type Scenario, type Subject, type Work } from './scenario.js';

/** Two sockets, and the share that sluice keeps back for the pipes of bulk flows: one pipe for eight. */
const filesPerFlow = 2.25;

export const idle: Scenario = {
  name: 'idle',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ idleFlows }) => [idleWork(Math.min(idleFlows, flowsThatFit(filesPerFlow)))],
};

function flowsThatFit(files: number): number {
  return Math.floor((openFilesLimit() - bench.filesReserved) / files);
}

function idleWork(flows: number): Work {
  const forked = Math.min(flows, bench.forkedFlows);
  return {
    title: `${flows.toLocaleString('en-US')} idle TCP flows, or as many as the open files allow (${forked} where each is a process)`,
    figures: [
      { key: 'each', title: 'KB each', better: 'less', digits: 2 },
      { key: 'resident', title: 'MB in all', better: 'less', digits: 1 },
      cpuFigure('million flows opened'),
    ],
    reference: referencePeer,
    warmUp: false,
    mostRounds: bench.idleRounds,
    subjectCount: (peers) => tcpProxies(peers).length,
    secondsEach: () => 2 + flows / 2_500,
    open: (place) => openIdle(flows, place),
  };
}

async function openIdle(flows: number, { peers, folder }: Place): Promise<OpenWork> {
  const { port: targetPort, child: target } = await startEcho();
  const subjects = tcpProxies(peers).map((peer): Subject => {
    const count =
      peer.forks === true
        ? Math.min(flows, bench.forkedFlows)
        : Math.min(flows, flowsThatFit(peer.filesPerFlow ?? 2));
    return { name: peer.name, measure: () => measureIdle(peer, count, targetPort, folder) };
  });
  return { subjects, failures: [], leftOut: [], close: () => target.stop() };
}

async function measureIdle(peer: Peer, flows: number, targetPort: number, folder: string): Promise<Measured> {
  const running = await startPeer(peer, {
    protocol: 'tcp',
    target: 'echo',
    port: await freePort(),
    targetPort,
    folder,
  });
  const pid = running.child?.pid ?? -1;
  let client: Child | undefined;
  try {
    await pause(bench.settleMs);
    const before = residentBytesOf(pid);
    const cpuBefore = cpuSecondsOf(pid);
    client = new Child('the idle clients', loadProgram('idle-client', running.port, flows));
    await client.said('open');
    await pause(bench.settleMs);
    const after = residentBytesOf(pid);
    const cpu = ((cpuSecondsOf(pid) - cpuBefore) / flows) * 1e6;
    return { each: (after - before) / flows / 1_024, resident: after / 1e6, cpu };
  } finally {
    await client?.stop();
    await running.stop();
  }
}

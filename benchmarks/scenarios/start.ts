/** From spawn until a proxy has carried a byte to its target and back, against a Node that does nothing, and its memory then. */
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from '../bounds.js';
import { output } from '../child.js';
import { referencePeer } from '../peers/all.js';
import { type Peer, startPeer } from '../peers/peer.js';
import { freePort } from '../ports.js';
import { cpuSecondsOf, residentBytesOf } from '../process-tree.js';
import type { Measured } from '../report.js';
import { startEcho, tcpProxies } from './echo.js';
import { cpuFigure, type OpenWork, type Place, type Scenario, type Work } from './scenario.js';

const work: Work = {
  title: 'start to first byte carried, one mapping',
  figures: [
    { key: 'ready', title: 'ms', better: 'less', digits: 1 },
    { key: 'resident', title: 'MB resident', better: 'less', digits: 1 },
    cpuFigure('start'),
  ],
  reference: referencePeer,
  warmUp: false,
  subjectCount: (peers) => tcpProxies(peers).length + 1,
  secondsEach: () => 0.6,
  open: openStart,
};

export const start: Scenario = {
  name: 'start',
  protocol: 'tcp',
  missing: () => undefined,
  works: () => [work],
};

async function openStart({ peers, folder }: Place): Promise<OpenWork> {
  const { port, child } = await startEcho();
  return {
    subjects: [
      { name: 'node -e 0', measure: measureNode },
      ...tcpProxies(peers).map((peer) => ({
        name: peer.name,
        measure: () => measureStart(peer, port, folder),
      })),
    ],
    failures: [],
    leftOut: [],
    close: () => child.stop(),
  };
}

/** The whole life of a Node that has nothing to do. */
async function measureNode(): Promise<Measured> {
  const startedMs = performance.now();
  await output('node -e 0', { file: process.execPath, args: ['-e', '0'] }, bench.readyMs);
  return { ready: performance.now() - startedMs };
}

async function measureStart(peer: Peer, targetPort: number, folder: string): Promise<Measured> {
  const port = await freePort();
  const running = await startPeer(peer, { protocol: 'tcp', target: 'echo', port, targetPort, folder });
  try {
    await pause(bench.settleMs);
    const pid = running.child?.pid ?? -1;
    return { ready: running.readyMs, resident: residentBytesOf(pid) / 1e6, cpu: cpuSecondsOf(pid) };
  } finally {
    await running.stop();
  }
}

/** From spawn until a proxy takes connections, against a Node that does nothing, and its memory then. */
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from '../bounds.js';
import { output } from '../child.js';
import { referencePeer } from '../peers/all.js';
import { type Peer, startPeer } from '../peers/peer.js';
import { freePort } from '../ports.js';
import { residentBytesOf } from '../process-tree.js';
import type { Measured, Place, Scenario, Work } from './scenario.js';

const work: Work = {
  title: 'start to first connection, one mapping',
  figures: [
    { key: 'ready', title: 'ms', better: 'less', digits: 1 },
    { key: 'resident', title: 'MB resident', better: 'less', digits: 1 },
  ],
  reference: referencePeer,
  warmUp: false,
  subjectCount: (peers) => proxies(peers).length + 1,
  secondsEach: () => 1,
  open: ({ peers, folder }: Place) =>
    Promise.resolve({
      subjects: [
        { name: 'node -e 0', measure: measureNode },
        ...proxies(peers).map((peer) => ({ name: peer.name, measure: () => measureStart(peer, folder) })),
      ],
      failures: [],
      close: () => Promise.resolve(),
    }),
};

export const start: Scenario = {
  name: 'start',
  protocol: 'tcp',
  missing: () => undefined,
  works: () => [work],
};

function proxies(peers: readonly Peer[]): Peer[] {
  return peers.filter(({ protocols, command }) => command !== undefined && protocols.includes('tcp'));
}

/** The whole life of a Node that has nothing to do. */
async function measureNode(): Promise<Measured> {
  const startedMs = performance.now();
  await output('node -e 0', { file: process.execPath, args: ['-e', '0'] }, bench.readyMs);
  return { ready: performance.now() - startedMs };
}

async function measureStart(peer: Peer, folder: string): Promise<Measured> {
  const [port, targetPort] = [await freePort(), await freePort()];
  const running = await startPeer(peer, { protocol: 'tcp', port, targetPort, folder });
  try {
    await pause(bench.settleMs);
    return { ready: running.readyMs, resident: residentBytesOf(running.child?.pid ?? -1) / 1e6 };
  } finally {
    await running.stop();
  }
}

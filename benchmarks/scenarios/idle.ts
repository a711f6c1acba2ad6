/** Memory of idle flows: what a proxy's processes grow by, each. Kernel memory is the same for all and not counted. */
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/errors.js';
import { bench } from '../bounds.js';
import { Child } from '../child.js';
import { openFilesLimit } from '../machine.js';
import { referencePeer } from '../peers/all.js';
import { type Peer, startPeer } from '../peers/peer.js';
import { freePort } from '../ports.js';
import { residentBytesOf } from '../process-tree.js';
import type { Measured, OpenWork, Place, Scenario, Subject, Work } from './scenario.js';

const programOf = (name: string) => fileURLToPath(new URL(`../load/${name}.js`, import.meta.url));

export const idle: Scenario = {
  name: 'idle',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ idleFlows }) => [idleWork(Math.min(idleFlows, flowsThatFit()))],
};

/** A flow takes two descriptors of its proxy. */
function flowsThatFit(): number {
  return Math.floor((openFilesLimit() - bench.filesReserved) / 2);
}

function idleWork(flows: number): Work {
  const forked = Math.min(flows, bench.forkedFlows);
  return {
    title: `${flows} idle TCP flows (${forked} where each is a process)`,
    figures: [
      { key: 'each', title: 'KB each', better: 'less', digits: 2 },
      { key: 'resident', title: 'MB in all', better: 'less', digits: 1 },
    ],
    reference: referencePeer,
    warmUp: false,
    subjectCount: (peers) => proxies(peers).length,
    secondsEach: () => 2 + flows / 2_500,
    open: (place) => openIdle(flows, place),
  };
}

function proxies(peers: readonly Peer[]): Peer[] {
  return peers.filter(({ protocols, command }) => command !== undefined && protocols.includes('tcp'));
}

async function openIdle(flows: number, { peers, folder }: Place): Promise<OpenWork> {
  const targetPort = await freePort();
  const target = new Child('the idle target', nodeProgram('idle-target', targetPort));
  try {
    await target.said('ready');
  } catch (error) {
    await target.stop();
    throw new Error(messageOf(error));
  }
  const subjects = proxies(peers).map((peer): Subject => {
    const count = peer.forks === true ? Math.min(flows, bench.forkedFlows) : flows;
    return { name: peer.name, measure: () => measureIdle(peer, count, targetPort, folder) };
  });
  return { subjects, failures: [], close: () => target.stop() };
}

async function measureIdle(peer: Peer, flows: number, targetPort: number, folder: string): Promise<Measured> {
  const running = await startPeer(peer, { protocol: 'tcp', port: await freePort(), targetPort, folder });
  const pid = running.child?.pid ?? -1;
  let client: Child | undefined;
  try {
    await pause(bench.settleMs);
    const before = residentBytesOf(pid);
    client = new Child('the idle clients', nodeProgram('idle-client', running.port, flows));
    await client.said('open');
    await pause(bench.settleMs);
    const after = residentBytesOf(pid);
    return { each: (after - before) / flows / 1_024, resident: after / 1e6 };
  } finally {
    await client?.stop();
    await running.stop();
  }
}

function nodeProgram(name: string, ...args: readonly number[]) {
  return { file: process.execPath, args: [programOf(name), ...args.map(String)] };
}

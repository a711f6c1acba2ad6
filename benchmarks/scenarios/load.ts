/** Loads: a target, every peer in front of it, and a generator outside of both. */
import { messageOf } from '../../src/errors.js';
import type { Child } from '../child.js';
import { referencePeer } from '../peers/all.js';
import { type Peer, type RunningPeer, startPeer, type Wish } from '../peers/peer.js';
import { freePort, type Protocol } from '../ports.js';
import { cpuSecondsOf } from '../process-tree.js';
import type { Measured, Remark } from '../report.js';
import type { OpenWork, Place, Subject, Work } from './scenario.js';

export interface Load {
  readonly protocol: Protocol;
  /** Why a peer that forks for each flow is left out; absent where it is not. */
  readonly notForForking?: string;
  /** Starts the target; done when it serves. */
  startTarget(port: number, folder: string): Promise<Child>;
  /** Waits until the target can serve the next run, where it serves one at a time. */
  readonly untilFree?: (target: Child) => Promise<void>;
  /** One run of the generator against a port, and the units of work that CPU time is told by. */
  generate(port: number, seconds: number): Promise<Generated>;
}

export interface Generated {
  readonly measured: Measured;
  readonly units: number;
}

interface LoadWork extends Pick<Work, 'title' | 'label' | 'figures' | 'secondsEach'> {
  readonly load: Load;
}

/** A load's work: every peer that carries its protocol, warmed up. */
export function loadWork({ load, ...work }: LoadWork): Work {
  return {
    ...work,
    reference: referencePeer,
    warmUp: true,
    subjectCount: (peers) => peers.filter((peer) => takes(peer, load)).length,
    open: (place) => openLoad(load, place),
  };
}

function takes({ protocols, forks }: Peer, { protocol, notForForking }: Load): boolean {
  return protocols.includes(protocol) && !(forks === true && notForForking !== undefined);
}

/**
 * All peers run at once, so that the warm-up is done once each, but only one is under load at a time; the others
 * block in the kernel.
 */
async function openLoad(load: Load, { peers, folder }: Place): Promise<OpenWork> {
  const targetPort = await freePort();
  const started: Started = { peers: [], failures: [] };
  const able = peers.filter((peer) => takes(peer, load));
  const { protocol, notForForking: why } = load;
  const forking = why === undefined ? [] : peers.filter(({ forks }) => forks === true);
  const leftOut = forking.flatMap(({ name }) => (why === undefined ? [] : [{ name, why }]));
  // iperf3's server gives up after a few connections that say nothing, such as those that show a proxy is ready, so
  // it comes after them; a UDP proxy shows it by the target's echo alone.
  const targetFirst = protocol === 'udp';
  const target = targetFirst ? 'echo' : 'closed';
  const startAll = () => startPeers(able, { protocol, target, targetPort, folder }, started);
  let server: Child | undefined;
  const close = async () => {
    await Promise.all(
      [...started.peers, ...(server === undefined ? [] : [server])].map((each) => each.stop()),
    );
  };
  try {
    if (!targetFirst) await startAll();
    const running = await load.startTarget(targetPort, folder);
    server = running;
    if (targetFirst) await startAll();
    const subjects = started.peers.map((peer): Subject => {
      return { name: peer.name, measure: (seconds) => measureLoad(load, running, peer, seconds) };
    });
    return { subjects, failures: started.failures, leftOut, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Started {
  readonly peers: (RunningPeer & { readonly name: string })[];
  readonly failures: Remark[];
}

/** One that does not start is told of, and the others go on. */
async function startPeers(
  peers: readonly Peer[],
  wish: Omit<Wish, 'port'>,
  { peers: running, failures }: Started,
): Promise<void> {
  for (const peer of peers) {
    try {
      running.push({ name: peer.name, ...(await startPeer(peer, { ...wish, port: await freePort() })) });
    } catch (error) {
      failures.push({ name: peer.name, why: messageOf(error) });
    }
  }
}

async function measureLoad(
  load: Load,
  target: Child,
  { port, child }: RunningPeer,
  seconds: number,
): Promise<Measured> {
  await load.untilFree?.(target);
  const before = child === undefined ? 0 : cpuSecondsOf(child.pid);
  const { measured, units } = await load.generate(port, seconds);
  if (child === undefined) return measured;
  if (child.hasEnded) throw new Error(`${child.name} ended under load: ${child.lastWords}`);
  const cpu = (cpuSecondsOf(child.pid) - before) / units;
  return { ...measured, cpu };
}

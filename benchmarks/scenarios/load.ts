/** Loads: a target, every peer in front of it, and a generator outside of both. */

import { messageOf } from '../../src/errors.js';
import type { Child } from '../child.js';
import { type RunningPeer, startPeer } from '../peers/peer.js';
import { freePort, type Protocol } from '../ports.js';
import { cpuSecondsOf } from '../process-tree.js';
import type { Failure, Measured, OpenWork, Place, Subject } from './scenario.js';

export interface Load {
  readonly protocol: Protocol;
  /** Starts the target; done when it serves. */
  startTarget(port: number, folder: string): Promise<Child>;
  /** One run of the generator against a port, and the units of work that CPU time is told by. */
  generate(port: number, seconds: number): Promise<{ readonly measured: Measured; readonly units: number }>;
}

/**
 * All peers run at once, so that the warm-up is done once each, but only one is under load at a time; the others
 * block in the kernel.
 */
export async function openLoad(load: Load, { peers, folder }: Place): Promise<OpenWork> {
  const targetPort = await freePort();
  const opened: { stop(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(opened.map((each) => each.stop()));
  };
  const failures: Failure[] = [];
  const subjects: Subject[] = [];
  const startPeers = async () => {
    for (const peer of peers.filter(({ protocols }) => protocols.includes(load.protocol))) {
      try {
        const port = await freePort();
        const running = await startPeer(peer, { protocol: load.protocol, port, targetPort, folder });
        opened.push(running);
        subjects.push({ name: peer.name, measure: (seconds) => measureLoad(load, running, seconds) });
      } catch (error) {
        failures.push({ subject: peer.name, why: messageOf(error) });
      }
    }
  };
  try {
    // iperf3's server gives up after a few connections that say nothing, such as those that show a proxy is ready; a
    // UDP proxy, though, shows it by the target's echo alone.
    if (load.protocol === 'tcp') await startPeers();
    opened.push(await load.startTarget(targetPort, folder));
    if (load.protocol === 'udp') await startPeers();
  } catch (error) {
    await close();
    throw error;
  }
  return { subjects, failures, close };
}

async function measureLoad(load: Load, { port, child }: RunningPeer, seconds: number): Promise<Measured> {
  const before = child === undefined ? 0 : cpuSecondsOf(child.pid);
  const { measured, units } = await load.generate(port, seconds);
  if (child === undefined) return measured;
  if (child.hasEnded) throw new Error(`${child.name} ended under load: ${child.lastWords}`);
  const cpu = (cpuSecondsOf(child.pid) - before) / units;
  return { ...measured, cpu };
}

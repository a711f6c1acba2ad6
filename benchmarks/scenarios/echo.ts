/** What the scenarios share that watch a proxy rather than load it. */
import type { Child } from '../child.js';
import type { Peer } from '../peers/peer.js';
import { freePort } from '../ports.js';
import { startTarget } from './generator.js';

/** A TCP echo to lead to. */
export async function startEcho(): Promise<{ readonly port: number; readonly child: Child }> {
  const port = await freePort();
  return { port, child: await startTarget('tcp-echo', port) };
}

/** Peers that are a process to look at. */
export function tcpProxies(peers: readonly Peer[]): Peer[] {
  return peers.filter(({ protocols, command }) => command !== undefined && protocols.includes('tcp'));
}

/** What the scenarios share that watch a proxy rather than load it: a TCP echo to lead to, and our own load programs. */
import { fileURLToPath } from 'node:url';
import { Child, type Command } from '../child.js';
import type { Peer } from '../peers/peer.js';
import { freePort } from '../ports.js';

/** A program of benchmarks/load, compiled. */
export function loadProgram(name: string, ...args: readonly number[]): Command {
  const path = fileURLToPath(new URL(`../load/${name}.js`, import.meta.url));
  return { file: process.execPath, args: [path, ...args.map(String)] };
}

export async function startEcho(): Promise<{ readonly port: number; readonly child: Child }> {
  const port = await freePort();
  const child = new Child('the TCP echo', loadProgram('tcp-echo', port));
  try {
    await child.said('ready');
    return { port, child };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Peers that are a process to look at. */
export function tcpProxies(peers: readonly Peer[]): Peer[] {
  return peers.filter(({ protocols, command }) => command !== undefined && protocols.includes('tcp'));
}

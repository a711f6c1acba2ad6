/** What sluice is measured against: how each program is started, pointed at a target and stopped. */
import { Child, type Command } from '../child.js';
import { type Protocol, untilServed } from '../ports.js';

/** What a peer is to do: take `port` of loopback and lead it to `targetPort` there. */
export interface Wish {
  readonly protocol: Protocol;
  readonly port: number;
  readonly targetPort: number;
  /** A folder of its own for configuration, removed afterwards. */
  readonly folder: string;
}

export interface Peer {
  readonly name: string;
  readonly protocols: readonly Protocol[];
  /** The choices made for it, and whose advice they are. */
  readonly note: string;
  /** Forks a process for each flow: it gets fewer of them. */
  readonly forks?: boolean;
  /** What it lacks on this machine, in words; undefined where it can run. */
  missing(): string | undefined;
  version(): string;
  /** Writes its configuration, if any, and says how to run it; absent where there is no proxy to run. */
  readonly command?: (wish: Wish) => Command;
}

export interface RunningPeer {
  /** Where clients go. */
  readonly port: number;
  /** The proxy, absent where clients go straight to the target. */
  readonly child: Child | undefined;
  /** From its spawn until it took a connection, or echoed a datagram. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Done when it serves. For UDP the target has to be there: only an echo shows that a proxy is. */
export async function startPeer(peer: Peer, wish: Wish): Promise<RunningPeer> {
  if (peer.command === undefined) {
    return { port: wish.targetPort, child: undefined, readyMs: 0, stop: () => Promise.resolve() };
  }
  const command = peer.command(wish);
  const startedMs = performance.now();
  const child = new Child(peer.name, command);
  try {
    await untilServed(wish.protocol, wish.port, child);
  } catch (error) {
    await child.stop();
    throw error;
  }
  const readyMs = performance.now() - startedMs;
  return { port: wish.port, child, readyMs, stop: () => child.stop() };
}

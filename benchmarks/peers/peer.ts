/** What sluice is measured against: how each program is started, pointed at a target and stopped. */
import { Child, type Command } from '../child.js';
import {
  echoesByte,
  echoesDatagram,
  endsConnection,
  type Protocol,
  type Sign,
  untilServed,
} from '../ports.js';

/** What a peer is to do: take `port` of loopback and lead it to `targetPort` there. */
export interface Wish {
  readonly protocol: Protocol;
  readonly port: number;
  readonly targetPort: number;
  /** Whether an echo is at the target by now; for UDP it has to be, for TCP the target's port may be closed still. */
  readonly target: 'echo' | 'closed';
  /** A folder of its own for configuration, removed afterwards. */
  readonly folder: string;
}

export interface Peer {
  readonly name: string;
  readonly protocols: readonly Protocol[];
  /** `none`: there is no proxy; `other`: what people use instead of sluice. */
  readonly kind: 'none' | 'sluice' | 'other';
  /** Each choice made for it, and why: what its own manual says of speed, or what makes it do the same work. */
  readonly choices: Readonly<Record<string, string>>;
  /** Forks a process for each flow: it gets fewer of them. */
  readonly forks?: boolean;
  /** Descriptors that it takes for a flow, where more than its two sockets. */
  readonly filesPerFlow?: number;
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
  /** From its spawn until it had carried an echo, or tried to reach a target that was not there. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

/** Done when it serves. */
export async function startPeer(peer: Peer, wish: Wish): Promise<RunningPeer> {
  if (peer.command === undefined) {
    return { port: wish.targetPort, child: undefined, readyMs: 0, stop: () => Promise.resolve() };
  }
  const command = peer.command(wish);
  const startedMs = performance.now();
  const child = new Child(peer.name, command);
  try {
    await untilServed(signOf(wish), wish.port, child);
  } catch (error) {
    await child.stop();
    throw error;
  }
  const readyMs = performance.now() - startedMs;
  return { port: wish.port, child, readyMs, stop: () => child.stop() };
}

function signOf({ protocol, target }: Wish): Sign {
  if (protocol === 'udp') return echoesDatagram;
  return target === 'echo' ? echoesByte : endsConnection;
}

/** What the splice engine is given to accept from: a bound descriptor. */
import type { Listener } from '../engine.js';

export interface SpliceListener extends Listener {
  readonly descriptor: number;
  /** It is bound to every address, so that each datagram tells which one it came to. */
  readonly wildcard: boolean;
  /** Has the kernel refuse connections from now on, whoever still waits for one; nothing for UDP. */
  refuse(): void;
  /** Frees the port. The engine calls it once, when no shard uses the descriptor any more. */
  close(): Promise<void>;
}

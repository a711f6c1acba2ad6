/** A shard as the engine has it, wherever its loop runs. */
import type { Command, LiveReport } from './shard-messages.js';

export interface ShardHandle {
  /** Obeyed soon, in order; false, and nothing happens, once the shard has ended. */
  send(command: Command): boolean;
  /** Ends the shard, and with it the flows it still has. */
  stop(): Promise<void>;
}

/** Called on the main thread, never from within `send`. */
export interface ShardEvents {
  readonly report: (report: LiveReport) => void;
  /** The shard has ended without having been asked to, and ended so many flows itself; its descriptors are closed. */
  readonly died: (cause: string, flowsEnded: number) => void;
}

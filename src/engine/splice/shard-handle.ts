/** A shard as the engine has it, wherever its loop runs. */
import type { Command, LiveReport } from './shard-messages.js';

export interface ShardHandle {
  /** Obeyed soon, in order; false, and nothing happens, once the shard has ended. */
  send(command: Command): boolean;
  /** Marks descriptors as its own, which it is about to be sent: they are closed with the others if it fails. */
  own(descriptors: readonly number[]): void;
  /** Ends the shard, and with it the flows it still has. */
  stop(): Promise<void>;
}

/** Called on the main thread, never from within `send`. */
export interface ShardEvents {
  readonly report: (report: LiveReport) => void;
  /** The shard has ended without having been asked to, and ended so many flows itself; its descriptors are closed. */
  readonly died: (cause: string, flowsEnded: number) => void;
}

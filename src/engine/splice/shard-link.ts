/** How an engine holds on to a shard, wherever that one runs. */
import type { unistd } from '../../sys/unistd.js';
import type { Command, Report, ShardStart } from './shard-messages.js';

export type ShardOptions = Omit<ShardStart, 'eventDescriptor' | 'owned'>;

export interface ShardEvents {
  readonly report: (report: Report) => void;
  /** It has ended without having been asked to, and ended so many flows itself; its descriptors are closed. */
  readonly died: (cause: string, flowsEnded: number) => void;
}

export interface ShardLink {
  /** Nothing happens once the shard has ended. */
  send(command: Command): void;
  /** Ends the shard, and with it the flows it still has. */
  stop(): Promise<void>;
}

export type OpenShard = (options: ShardOptions, events: ShardEvents) => ShardLink;

/** Descriptors a shard may own: the most that Linux allows by default (fs.nr_open). */
export const mostDescriptors = 1 << 20;

/** Descriptors belong to the process: what a dead shard still owned would stay open, and its peers would wait. */
export function closeOwned(memory: SharedArrayBuffer, { close }: ReturnType<typeof unistd>): void {
  const owned = new Uint8Array(memory);
  for (let descriptor = owned.indexOf(1); descriptor >= 0; descriptor = owned.indexOf(1, descriptor + 1)) {
    close(descriptor);
  }
}

/** What a shard does for one service, whatever its protocol. */
import type { CloseEvent } from '../close-table.js';
import type { MovedFlow } from './moved-flow.js';
import type { ShardRoute } from './shard-route.js';

export interface ShardServer {
  setRoute(route: ShardRoute): void;
  /** These addresses, by their keys, are nobody's any more. */
  targetsGone(gone: ReadonlySet<string>): void;
  /** Takes nothing new; says it is empty once the flows in progress have ended. */
  detach(): void;
  /** Ends every flow there is. */
  endAll(event: CloseEvent): void;
  /** Looks for connections that no event will tell of; undefined where no other shard ever has the listener. */
  look?(): void;
  /** Gives away one in so many of its movable flows, and takes those of another shard; undefined likewise. */
  give?(oneIn: number): MovedFlow[];
  take?(flows: readonly MovedFlow[]): void;
  /** True where a detached listener is not used any more, so that its port can be freed at once. */
  readonly detachedAtOnce: boolean;
}

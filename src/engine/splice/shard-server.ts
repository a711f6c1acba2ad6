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
  /** Gives away one in so many of its movable flows, which count as its own until `moved`; undefined likewise. */
  give?(oneIn: number): MovedFlow[];
  /** So many that it gave are another's now, but for these. Flows to an address that is gone end. */
  moved?(given: number, back: readonly MovedFlow[], gone: ReadonlySet<string>): void;
  /** Takes another shard's flows, likewise, and gives those that it has no room for. */
  take?(flows: readonly MovedFlow[], gone: ReadonlySet<string>): MovedFlow[];
  /** True where a detached listener is not used any more, so that its port can be freed at once. */
  readonly detachedAtOnce: boolean;
}

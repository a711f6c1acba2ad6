/** A route as shards are told of it: plain data, with this shard's part of the bounds. */
import type { Route, TargetAddress } from '../engine.js';

/** A unix target carries its path's number, an IPv6 one its zone's, by its service's list: flow ends are told in numbers alone. */
export interface ShardRoute extends Omit<Route, 'targets'> {
  readonly targets: readonly (TargetAddress & { readonly textNumber: number })[];
  /** Other shards take connections of the same listener. */
  readonly shared: boolean;
  /** Of the flows that may wait at once, this shard's share. */
  readonly waitingFlows: number;
}

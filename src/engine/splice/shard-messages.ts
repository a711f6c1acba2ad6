/**
 * What the engine and a shard say to each other: plain data, since the shard may be on another thread.
 */
import type { Protocol } from '../../publish/protocol.js';
import type { TargetAddress } from '../engine.js';
import type { MovedFlow } from './moved-flow.js';
import type { ShardRoute } from './shard-route.js';

/** What a shard is made with. */
export interface ShardSetup {
  readonly clock: SharedArrayBuffer;
  /** Memory of OwnedDescriptors, and of TcpFlowCounts; and this shard's place in both. */
  readonly owned: SharedArrayBuffer;
  readonly tcpFlowCounts: SharedArrayBuffer;
  readonly place: number;
  readonly share: DescriptorShare;
  /** False: the ends of flows are counted only. */
  readonly reportEnds: boolean;
}

/** Of the process's descriptors, what one shard may have. */
export interface DescriptorShare {
  readonly maxFlows: number;
  readonly maxPipes: number;
}

export interface ShardService {
  readonly service: number;
  readonly protocol: Protocol;
  readonly descriptor: number;
  readonly family: 4 | 6;
  readonly wildcard: boolean;
  readonly route: ShardRoute;
  readonly counters: SharedArrayBuffer;
}

/** Flows that are a shard's from now on, and addresses that have come to be nobody's since they were given. */
export interface HandedFlows {
  readonly service: number;
  readonly flows: readonly MovedFlow[];
  readonly gone: readonly TargetAddress[];
}

export type Command =
  | { readonly kind: 'serve'; readonly served: ShardService }
  | { readonly kind: 'route'; readonly service: number; readonly route: ShardRoute }
  /** These addresses are nobody's any more. */
  | { readonly kind: 'gone'; readonly service: number; readonly addresses: readonly TargetAddress[] }
  | { readonly kind: 'drain'; readonly service: number }
  | { readonly kind: 'close'; readonly service: number }
  /** Another shard has paused: a connection it was woken for may still wait, and nobody else was woken. */
  | { readonly kind: 'look'; readonly service: number }
  /** There are more shards now. */
  | { readonly kind: 'share'; readonly share: DescriptorShare }
  /** Of the service's busy flows one in so many is to go to another shard. Answered, by 'given', also with none. */
  | { readonly kind: 'give'; readonly service: number; readonly oneIn: number; readonly to: number }
  /** Flows that another shard gave. Answered, by 'taken'. */
  | (HandedFlows & { readonly kind: 'take'; readonly from: number })
  /** So many flows that it gave have left its bounds, but these it has back. */
  | (HandedFlows & { readonly kind: 'moved'; readonly given: number })
  /** Answered once all that was due at the present time has been done. */
  | { readonly kind: 'tick'; readonly tick: number }
  | { readonly kind: 'stop' };

export type Report =
  /** Its thread is up, after the while that this takes, and has obeyed what it was sent before. */
  | { readonly kind: 'ready' }
  /** Nothing is accepted for this service any more; a UDP listener may still be used for answers. */
  | { readonly kind: 'detached'; readonly service: number }
  /** This shard takes no connections for now. */
  | { readonly kind: 'paused'; readonly service: number }
  /** The service has no flow left here, and its listener is not used any more. */
  | { readonly kind: 'empty'; readonly service: number }
  /** It could not be served here: nothing of it is left in this shard. */
  | { readonly kind: 'unserved'; readonly service: number; readonly cause: string }
  /** Flows for another shard, which nobody forwards until that takes them. */
  | {
      readonly kind: 'given';
      readonly service: number;
      readonly to: number;
      readonly flows: readonly MovedFlow[];
    }
  /** It has taken the flows of another, but these, for which it has no room. */
  | {
      readonly kind: 'taken';
      readonly service: number;
      readonly from: number;
      readonly back: readonly MovedFlow[];
    }
  /** Its thread was busy for most of the last moment. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'ends'; readonly records: Float64Array }
  | { readonly kind: 'ticked'; readonly tick: number }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'waiting-trouble'; readonly service: number; readonly trouble: string }
  /** The shard's own code threw; it has ended all its flows and stops. */
  | { readonly kind: 'failed'; readonly cause: string; readonly flows: number };

/** Of a shard that goes on: its failure is its handle's to hear. */
export type LiveReport = Exclude<Report, { readonly kind: 'failed' }>;

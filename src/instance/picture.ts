/** What an instance tells of itself: a copy, of one moment. */
import type { Endpoint } from '../address/endpoint.js';
import type { EngineName } from '../engine/engine.js';
import type { CounterSnapshot } from '../metrics/counters.js';
import type { Mapping } from '../publish/mapping.js';
import type { TargetSpec } from '../publish/target-spec.js';
import type { TargetState } from '../target/target.js';

export interface PublishedPicture {
  readonly mapping: Mapping;
  /** The mapping with the host port that it got. */
  readonly bound: Mapping;
  readonly endpoints: readonly Endpoint[];
  /** Published while the instance ran, not with its start. */
  readonly atRunTime: boolean;
  /** It was unpublished, and its last flows are being waited for. */
  readonly draining: boolean;
  readonly counters: CounterSnapshot;
  /** Flows by the reason they ended for; undefined where ends are not told of. */
  readonly ends: Readonly<Record<string, number>> | undefined;
}

export interface InstancePicture {
  readonly engine: EngineName;
  /** Why it is not the fastest engine, where that one was wanted. */
  readonly fallback: string | undefined;
  /** Since 1970. */
  readonly startedMs: number;
  readonly stopping: boolean;
  readonly accessLog: boolean;
  readonly targets: readonly { readonly spec: TargetSpec; readonly state: TargetState }[];
  readonly published: readonly PublishedPicture[];
}

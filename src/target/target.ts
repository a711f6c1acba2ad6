/**
 * The Target seam: where a mapping leads, as addresses now and as news of their changes. A target never fails: one
 * whose addresses are not known has none for now, says why, and goes on trying.
 */
import type { IpAddress } from '../address/ip.js';

/** One place to dial; the port comes from the mapping. */
export type TargetHost =
  | { readonly kind: 'ip'; readonly ip: IpAddress }
  | { readonly kind: 'unix'; readonly path: string };

export interface Target {
  /** In order of preference; empty while none is known. */
  hosts(): readonly TargetHost[];
  /** Ends its timers and look-ups. */
  close(): void;
}

export interface TargetEvents {
  /** `hosts()` gives something else from now on. */
  changed(): void;
  /** Something to tell the user, who may have to act. */
  trouble(message: string): void;
  /** The trouble is over. */
  recovered(message: string): void;
}

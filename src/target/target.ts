/**
 * The Target seam: where a mapping leads, as addresses now and as news of their changes. Opening one may be refused (a
 * SluiceError, where what the user asked for cannot be right). Once open a target never fails: one whose addresses are
 * not known has none for now, says why, and goes on trying.
 */
import type { IpAddress } from '../address/ip.js';

/** One place to dial; the port comes from the mapping. */
export type TargetHost =
  | { readonly kind: 'ip'; readonly ip: IpAddress }
  | { readonly kind: 'unix'; readonly path: string };

/** What a target knows at one moment. */
export interface TargetState {
  /** In order of preference; empty while none is known. */
  readonly hosts: readonly TargetHost[];
  /**
   * True while the target is absent or has only just come: flows wait for it, and a dial that it refused is tried again,
   * for as long as the mapping's `wait` allows.
   */
  readonly settling: boolean;
  /**
   * True where its comings and goings are told as they happen. A dial that fails though it does not settle may only be
   * ahead of that news (a process closes its ports before its end is known), and waits a moment for it.
   */
  readonly followed?: boolean;
}

export interface Target {
  state(): TargetState;
  /** Ends its timers and look-ups. */
  close(): void;
}

export interface TargetEvents {
  /** `state()` gives something else from now on. */
  changed(): void;
  /**
   * These addresses are nobody's any more: flows to them are reset at once. `state()` no longer has them, so that what
   * waits or dials goes elsewhere.
   */
  gone(hosts: readonly TargetHost[]): void;
  /** Something to tell the user, who may have to act. */
  trouble(message: string): void;
  /** The trouble is over. */
  recovered(message: string): void;
}

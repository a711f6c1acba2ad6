/** An engine, together with the binder that makes its kind of listener. */
import type { Engine, EngineName, EngineOptions, Listener } from '../engine/engine.js';
import type { Adopt, Binder } from '../listener/binder.js';

export interface EngineKit<L extends Listener = Listener> {
  readonly name: EngineName;
  /** Why it is not the fastest one, where that one was wanted and cannot run here. */
  readonly fallback: string | undefined;
  /** True where it can listen and dial in other network namespaces. */
  readonly entersNamespaces: boolean;
  readonly binder: Binder<L>;
  /** Takes a socket that another process has bound and this one was started with. */
  readonly adopt: Adopt<L>;
  create(options: Omit<EngineOptions, 'clock'>): Engine<L>;
}

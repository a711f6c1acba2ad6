/** Targets, each open for as long as a mapping leads there. */
import type { TargetSpec } from '../publish/target-spec.js';
import { openTarget, targetKey } from '../target/open-target.js';
import type { Target, TargetEvents, TargetHost, TargetState } from '../target/target.js';

/** What is known of a target until it is open. */
const unknown: TargetState = { hosts: [], settling: true };

export interface SharedTargetEvents extends Pick<TargetEvents, 'trouble' | 'recovered'> {
  changed(key: string): void;
  gone(key: string, hosts: readonly TargetHost[]): void;
}

interface SharedTarget {
  readonly spec: TargetSpec;
  users: number;
  readonly opening: Promise<Target>;
  target: Target | undefined;
}

export class SharedTargets {
  readonly #shared = new Map<string, SharedTarget>();
  readonly #events: SharedTargetEvents;

  constructor(events: SharedTargetEvents) {
    this.#events = events;
  }

  /**
   * Opens what is not open yet; every call has to be followed by one of `release` with the same specs, whether it
   * succeeded or not.
   *
   * @throws SluiceError where a target is refused, when none of them is under way any more
   */
  async acquire(specs: readonly TargetSpec[]): Promise<void> {
    const opening = new Set(specs.map((spec) => this.#use(spec).opening));
    for (const result of await Promise.allSettled(opening)) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  /** A target that nobody uses any more is closed. */
  release(specs: readonly TargetSpec[]): void {
    for (const spec of specs) {
      const key = targetKey(spec);
      const shared = this.#shared.get(key);
      if (shared === undefined) continue;
      shared.users -= 1;
      if (shared.users === 0) this.#close(key, shared);
    }
  }

  stateOf(spec: TargetSpec): TargetState {
    return this.#shared.get(targetKey(spec))?.target?.state() ?? unknown;
  }

  /** Every target and its state. */
  list(): { readonly spec: TargetSpec; readonly state: TargetState }[] {
    return [...this.#shared.values()].map(({ spec, target }) => ({
      spec,
      state: target?.state() ?? unknown,
    }));
  }

  closeAll(): void {
    for (const [key, shared] of this.#shared) this.#close(key, shared);
  }

  #use(spec: TargetSpec): SharedTarget {
    const key = targetKey(spec);
    const known = this.#shared.get(key);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    const opening = openTarget(spec, {
      changed: () => this.#events.changed(key),
      gone: (hosts) => this.#events.gone(key, hosts),
      trouble: (message) => this.#events.trouble(message),
      recovered: (message) => this.#events.recovered(message),
    });
    const shared: SharedTarget = { spec, users: 1, opening, target: undefined };
    this.#shared.set(key, shared);
    opening.then(
      (target) => {
        shared.target = target;
      },
      // Told by `acquire`.
      () => undefined,
    );
    return shared;
  }

  /** One that is still being opened is closed when it is open. */
  #close(key: string, { opening, target }: SharedTarget): void {
    this.#shared.delete(key);
    if (target !== undefined) target.close();
    else
      opening.then(
        (late) => late.close(),
        () => undefined,
      );
  }
}

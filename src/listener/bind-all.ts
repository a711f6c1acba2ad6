/** Binds the listeners of many mappings, all or nothing, before anything is forwarded. */
import PQueue from 'p-queue';
import type { Listener } from '../engine/engine.js';
import { SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { findConflicts } from '../publish/conflicts.js';
import { formatHostSide, formatInside, type HostPort, type Mapping } from '../publish/mapping.js';
import { bindMapping } from './bind-mapping.js';
import type { Binder } from './binder.js';

export interface BoundMapping<L extends Listener> {
  readonly mapping: Mapping;
  /** One, or two on the same port: 0.0.0.0 and [::]. */
  readonly listeners: readonly L[];
}

/** The path of the namespace that a mapping listens in; undefined for our own. */
export type NamespacePathOf = (mapping: Mapping) => string | undefined;

/**
 * Fixed ports go first, since a pool or a free port must not take one that was asked for by number; pools go one
 * after the other, so that the first mapping gets the first port.
 */
const phases: readonly { readonly kind: HostPort['kind']; readonly atOnce: number }[] = [
  { kind: 'fixed', atOnce: limits.bindsAtOnce },
  { kind: 'pool', atOnce: 1 },
  { kind: 'free', atOnce: limits.bindsAtOnce },
];

/**
 * Binds every mapping's listeners and gives them in the mappings' order.
 *
 * @throws SluiceError that lists every mapping that could not be bound; nothing is left bound then
 */
export async function bindAll<L extends Listener>(
  binder: Binder<L>,
  mappings: readonly Mapping[],
  namespacePathOf: NamespacePathOf = () => undefined,
): Promise<BoundMapping<L>[]> {
  refuseConflicts(mappings);
  const bound = new Map<Mapping, L[]>();
  const failures = new Map<Mapping, SluiceError>();
  const bind = async (mapping: Mapping) => {
    try {
      bound.set(mapping, await bindMapping(binder, mapping, namespacePathOf(mapping)));
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      failures.set(mapping, error);
    }
  };
  for (const { kind, atOnce } of phases) {
    const queue = new PQueue({ concurrency: atOnce });
    await queue.addAll(mappings.filter(({ hostPort }) => hostPort.kind === kind).map((m) => () => bind(m)));
  }
  if (failures.size > 0) {
    await Promise.all([...bound.values()].flat().map((listener) => listener.close()));
    throw oneError(mappings.flatMap((mapping) => failures.get(mapping) ?? []));
  }
  return mappings.map((mapping) => ({ mapping, listeners: bound.get(mapping) ?? [] }));
}

function refuseConflicts(mappings: readonly Mapping[]): void {
  const conflicts = findConflicts(mappings).map(({ mapping, holder }) => {
    const taken = `port is already allocated (by ${formatHostSide(holder)} of ${holder.name}, in this request)`;
    const wanted = formatHostSide(mapping) + formatInside(mapping);
    return new SluiceError('SLUICE_PORT_ALLOCATED', `Bind for ${wanted} failed: ${taken}`);
  });
  if (conflicts.length > 0) throw oneError(conflicts);
}

/** One failure is told as it is; of several each is a line of its own. There has to be one. */
export function oneError(failures: readonly SluiceError[]): SluiceError {
  const [first] = failures;
  if (first !== undefined && failures.length === 1) return first;
  return new SluiceError(
    first?.code ?? 'SLUICE_BIND_FAILED',
    `${failures.length} ports cannot be published:`,
    {
      faults: failures.map((failure) => failure.message),
    },
  );
}

/**
 * Counters of a service. They live in shared memory so that whoever forwards on another thread can count there: one
 * writer a block, any number of readers. A Float64Array holds them, since an aligned 64-bit store is whole on the
 * machines Node runs on, counts are exact to 2^53, and no BigInt is made on the hot path.
 */
export const counterNames = [
  'flowsOpened',
  'flowsEnded',
  /** What was received, from clients and from the target, whether or not it could be passed on. */
  'bytesIn',
  'bytesOut',
  'datagramsIn',
  'datagramsOut',
  /** Datagrams for which there was no target address to send to, in time where they were kept for one. */
  'datagramsWithoutTarget',
  /** Datagrams dropped because a socket's queue was full. */
  'datagramsOverQueue',
  /** Datagrams that the target's host answered with "port unreachable", or that could not be sent. */
  'datagramsRefused',
  'associationsEvicted',
  'flowsOverLimit',
  'earlyArrivalsDropped',
  'dialsFailed',
  /** Flows that had to wait for their target; those of them that waited in vain; those that found the line full. */
  'flowsWaited',
  'waitsOver',
  'flowsOverWaitLimit',
  /** Flows that ended because their target's address is nobody's any more. */
  'flowsToGoneTarget',
  /** Datagrams kept for a target that was not there. */
  'datagramsKept',
] as const;

export type CounterName = (typeof counterNames)[number];
export type CounterSnapshot = Readonly<Record<CounterName, number>>;

const slotOf = Object.fromEntries(counterNames.map((name, slot) => [name, slot])) as Record<
  CounterName,
  number
>;

/** Of all these together. */
export function sumOf(snapshots: readonly CounterSnapshot[]): CounterSnapshot {
  return Object.fromEntries(
    counterNames.map((name) => [name, snapshots.reduce((sum, snapshot) => sum + snapshot[name], 0)]),
  ) as CounterSnapshot;
}

/** As everybody outside is told of them, in sluice's own key names: `flows_opened`. */
export function writeCounters(snapshot: CounterSnapshot): Readonly<Record<string, number>> {
  return Object.fromEntries(counterNames.map((name) => [snakeCased(name), snapshot[name]]));
}

function snakeCased(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Flows in progress. */
export function flowsOf({ flowsOpened, flowsEnded }: CounterSnapshot): number {
  return flowsOpened - flowsEnded;
}

export class Counters {
  /** For another thread's Counters of the same. */
  readonly memory: SharedArrayBuffer;
  readonly #slots: Float64Array;

  constructor(memory = new SharedArrayBuffer(counterNames.length * Float64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#slots = new Float64Array(memory);
  }

  add(name: CounterName, amount = 1): void {
    const slot = slotOf[name];
    this.#slots[slot] = (this.#slots[slot] ?? 0) + amount;
  }

  /** Flows in progress. */
  flows(): number {
    return (this.#slots[slotOf.flowsOpened] ?? 0) - (this.#slots[slotOf.flowsEnded] ?? 0);
  }

  snapshot(): CounterSnapshot {
    return Object.fromEntries(
      counterNames.map((name) => [name, this.#slots[slotOf[name]] ?? 0]),
    ) as CounterSnapshot;
  }
}

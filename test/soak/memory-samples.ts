/** What a process had in memory while it was watched, and whether that grew. */
import { readFileSync } from 'node:fs';

export interface MemorySample {
  readonly kibibytes: number;
  /** As MemorySamples was told. */
  readonly threads: number;
}

const everyMs = 1_000;
const samplesAtLeast = 30;
/** Fewer say nothing about memory: pools are still filling. */
const samplesToJudge = 60;
const growthAtMost = 1.1;
/** What a thread that forwards adds for good, its heap above all: 10 MiB where it sleeps, 12 to 21 were seen at work. */
export const kibibytesOfThread = 16 * 1_024;

export class MemorySamples {
  readonly #pid: number;
  readonly #threads: () => number;
  readonly #samples: MemorySample[] = [];
  readonly #timer: NodeJS.Timeout;

  /**
   * @param ms how long the process will be watched
   * @param threads how many it has by now, all or only those that were added
   */
  constructor(pid: number, ms: number, threads: () => number) {
    this.#pid = pid;
    this.#threads = threads;
    this.#timer = setInterval(() => this.#take(), Math.min(everyMs, ms / samplesAtLeast));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  latest(): number {
    return this.#samples.at(-1)?.kibibytes ?? 0;
  }

  describe(): string {
    const added = addedThreads(this.#samples, this.#samples.at(-1));
    const less = added === 0 ? '' : `, less ${kibibytesOfThread} for each of ${added} added threads`;
    return `${thirdsOf(this.#samples).join(', ')} KiB at most in each third${less}`;
  }

  faults(): string[] {
    return hasGrown(this.#samples) ? [`memory grew: ${this.describe()}`] : [];
  }

  #take(): void {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    this.#samples.push({ kibibytes, threads: this.#threads() });
  }
}

/** True where the last third had more than a tenth above the second, but for the threads that were added meanwhile. */
export function hasGrown(samples: readonly MemorySample[]): boolean {
  const [, second = 0, last = 0] = thirdsOf(samples);
  return samples.length >= samplesToJudge && last > second * growthAtMost;
}

/** The most of each third, less what the threads added since the first sample take. */
function thirdsOf(samples: readonly MemorySample[]): number[] {
  const third = Math.ceil(samples.length / 3);
  const own = samples.map((sample) => sample.kibibytes - addedThreads(samples, sample) * kibibytesOfThread);
  return [0, 1, 2].map((index) => Math.max(0, ...own.slice(index * third, (index + 1) * third)));
}

function addedThreads([first]: readonly MemorySample[], sample: MemorySample | undefined): number {
  return first === undefined || sample === undefined ? 0 : sample.threads - first.threads;
}

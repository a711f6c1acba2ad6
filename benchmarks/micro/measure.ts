import { Bench, type BenchOptions } from 'tinybench';
import type { Part } from './part.js';

/** Nanoseconds each time. */
export interface PartResult {
  readonly name: string;
  readonly median: number;
  readonly least: number;
  /** 99 of 100 runs took no longer. */
  readonly most: number;
  readonly runs: number;
}

export async function measurePart(part: Part, options: BenchOptions): Promise<PartResult> {
  const open = await part.open();
  try {
    const bench = new Bench({ throws: true, ...options });
    bench.add(part.name, () => open.run(), { afterEach: () => open.clear?.() });
    const [task] = await bench.run();
    const result = task?.result;
    if (result === undefined || !('latency' in result)) throw new Error(`${part.name} was not measured`);
    const { p50, min, p99, samplesCount: runs } = result.latency;
    const each = (milliseconds: number) => (milliseconds * 1e6) / open.times;
    return { name: part.name, median: each(p50), least: each(min), most: each(p99), runs };
  } finally {
    await open.close();
  }
}

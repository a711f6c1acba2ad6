/** Bulk through a TCP proxy, to the target or both ways at once, by a generator of our own. */
import type { BulkLoad } from '../bounds.js';
import { generated, startTarget } from './generator.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';

interface Report {
  readonly bytes: number;
  readonly seconds: number;
}

export const bulk: Scenario = {
  name: 'bulk',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ bulkLoads }) => bulkLoads.map(bulkWork),
};

export function streamsText(streams: number): string {
  return `${streams} TCP stream${streams === 1 ? '' : 's'}`;
}

function bulkWork({ streams, bothWays }: BulkLoad): Work {
  return loadWork({
    title: `bulk, ${streamsText(streams)} ${bothWays ? 'both ways' : 'to the target'}`,
    label: `${streamsText(streams)}${bothWays ? ', both ways' : ''}`,
    figures: [{ key: 'rate', title: 'Gb/s', better: 'more', digits: 2 }, cpuFigure('GB')],
    secondsEach: (seconds) => seconds + 0.3,
    load: {
      protocol: 'tcp',
      startTarget: (port) => startTarget('bulk-target', port),
      generate: async (port, seconds) => {
        const { bytes, seconds: took } = await generated<Report>(
          ...(['bulk-generator', port, streams, Number(bothWays), seconds] as const),
        );
        return { measured: { rate: (8 * bytes) / took / 1e9 }, units: bytes / 1e9 };
      },
    },
  });
}

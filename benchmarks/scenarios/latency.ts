/** How long an echo takes at a fixed rate that every peer can bear, free of coordinated omission. */
import { generated, startTarget } from './generator.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario } from './scenario.js';

interface Report {
  readonly sent: number;
  readonly missing: number;
  readonly late: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const milliseconds = (key: string, title: string) =>
  ({ key, title: `${title} ms`, better: 'less', digits: 2 }) as const;

export const latency: Scenario = {
  name: 'latency',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ latency: { connections, rate } }) => [
    loadWork({
      title: `latency of 64 B there and back, ${rate.toLocaleString('en-US')} a second on ${connections} connections`,
      label: `Latency at ${rate.toLocaleString('en-US')} messages/s, median`,
      figures: [
        milliseconds('p50', 'p50'),
        milliseconds('p99', 'p99'),
        milliseconds('p999', 'p99.9'),
        // Of the generator itself, which counts as latency too: the same for all, or the machine was busy.
        milliseconds('late', 'sent late'),
        cpuFigure('million messages'),
        { key: 'missing', title: 'missing', better: 'less', digits: 0 },
      ],
      secondsEach: (seconds) => seconds + 0.4,
      load: {
        protocol: 'tcp',
        startTarget: (port) => startTarget('tcp-echo', port),
        generate: async (port, seconds) => {
          const { sent, ...measured } = await generated<Report>(
            ...(['latency-generator', port, connections, rate, seconds] as const),
          );
          return { measured, units: sent / 1_000_000 };
        },
      },
    }),
  ],
};

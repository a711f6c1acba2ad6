/** Connections that come and go: each carries one byte there and back. */
import { generated, startTarget } from './generator.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario } from './scenario.js';

interface Report {
  readonly connections: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly seconds: number;
}

export const churn: Scenario = {
  name: 'churn',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ churnConnections: atOnce }) => [
    loadWork({
      title: `connections that come and go, ${atOnce} at once`,
      label: `Connections that come and go, ${atOnce} at once`,
      figures: [
        { key: 'rate', title: 'connections/s', better: 'more', digits: 0 },
        { key: 'p50', title: 'p50 ms', better: 'less', digits: 2 },
        { key: 'p99', title: 'p99 ms', better: 'less', digits: 2 },
        cpuFigure('million connections'),
        { key: 'failed', title: 'failed', better: 'less', digits: 0 },
      ],
      secondsEach: (seconds) => seconds + 0.2,
      load: {
        protocol: 'tcp',
        startTarget: (port) => startTarget('tcp-echo', port),
        generate: async (port, seconds) => {
          const report = await generated<Report>('churn-generator', port, atOnce, seconds);
          if (report.connections === 0) throw new Error('no connection carried anything');
          const { p50, p99, failed } = report;
          return {
            measured: { rate: report.connections / report.seconds, p50, p99, failed },
            units: report.connections / 1_000_000,
          };
        },
      },
    }),
  ],
};

/** HTTP through a TCP proxy by autocannon: on every machine that has Node. */

import { generated, startTarget } from './generator.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';

interface Report {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
}

export const httpKeepAlive: Scenario = {
  name: 'http-keepalive',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ httpConnections }) =>
    httpConnections.map((connections) =>
      httpWork(`HTTP keep-alive, ${connections} connections`, connections, false),
    ),
};

export const httpClose: Scenario = {
  name: 'http-close',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ httpCloseConnections: connections }) => [
    httpWork(`HTTP, a connection each request, ${connections} at a time`, connections, true),
  ],
};

function httpWork(label: string, connections: number, closes: boolean): Work {
  return loadWork({
    title: `${label}, by autocannon`,
    label: `${label} (autocannon)`,
    figures: [
      { key: 'rate', title: 'requests/s', better: 'more', digits: 0 },
      cpuFigure('million requests'),
      { key: 'errors', title: 'errors', better: 'less', digits: 0 },
    ],
    secondsEach: (seconds) => seconds + 0.6,
    load: {
      protocol: 'tcp',
      startTarget: (port) => startTarget('http-target', port),
      generate: async (port, seconds) => {
        const report = await generated<Report>('http-generator', port, connections, Number(closes), seconds);
        if (report.requests === 0) throw new Error('autocannon got no answer');
        return {
          measured: { rate: report.requests / report.seconds, errors: report.errors },
          units: report.requests / 1_000_000,
        };
      },
    },
  });
}

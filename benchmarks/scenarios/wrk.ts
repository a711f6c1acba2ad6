/** HTTP through a TCP proxy by wrk, which asks more of it than autocannon can, from an nginx that answers from memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench } from '../bounds.js';
import { Child, output } from '../child.js';
import { nginxCommand, nginxMain } from '../nginx-files.js';
import { loopback, takesConnection, untilServed } from '../ports.js';
import { missingTools, needTool } from '../tools.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';
import { parseWrk } from './wrk-report.js';

const keepAliveHeaders: readonly string[] = [];
const closeHeaders = ['-H', 'Connection: close'] as const;

export const wrkKeepAlive: Scenario = {
  name: 'wrk-keepalive',
  protocol: 'tcp',
  missing: () => missingTools(['wrk', 'nginx']),
  works: ({ wrkConnections }) =>
    wrkConnections.map((connections) =>
      wrkWork(`HTTP keep-alive, ${connections} connections`, connections, keepAliveHeaders),
    ),
};

export const wrkClose: Scenario = {
  name: 'wrk-close',
  protocol: 'tcp',
  missing: () => missingTools(['wrk', 'nginx']),
  works: ({ httpCloseConnections: connections }) => [
    wrkWork(`HTTP, a connection each request, ${connections} at a time`, connections, closeHeaders),
  ],
};

function wrkWork(label: string, connections: number, headers: readonly string[]): Work {
  return loadWork({
    title: `${label}, by wrk`,
    label: `${label} (wrk)`,
    figures: [
      { key: 'rate', title: 'requests/s', better: 'more', digits: 0 },
      { key: 'p99', title: 'p99 ms', better: 'less', digits: 2 },
      cpuFigure('million requests'),
      { key: 'errors', title: 'errors', better: 'less', digits: 0 },
    ],
    secondsEach: (seconds) => wholeSeconds(seconds) + 0.1,
    load: {
      protocol: 'tcp',
      startTarget: startNginx,
      generate: (port, seconds) => runWrk(port, connections, headers, wholeSeconds(seconds)),
    },
  });
}

/** wrk takes no others. */
function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.round(seconds));
}

async function startNginx(port: number, folder: string): Promise<Child> {
  const path = join(folder, `target-${port}.conf`);
  writeFileSync(path, targetConfiguration(port, folder));
  const child = new Child('the HTTP target', nginxCommand(folder, path));
  await untilServed(takesConnection, port, child);
  return child;
}

function targetConfiguration(port: number, folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${join(folder, `temp-${name}`)};`)
    .join('\n');
  return `${nginxMain(folder, port)}
http {
  access_log off;
  keepalive_requests 1000000000;
${temporary}
  server {
    listen ${loopback}:${port} backlog=4096;
    location / { default_type text/plain; return 200 "a small answer, as of a health check\\n"; }
  }
}
`;
}

async function runWrk(port: number, connections: number, headers: readonly string[], seconds: number) {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...headers,
    `http://${loopback}:${port}/`,
  ];
  const text = await output('wrk', { file: needTool('wrk'), args }, seconds * 1_000 + bench.overtimeMs);
  const report = parseWrk(text);
  if (report.requests === 0) throw new Error('wrk got no answer');
  return {
    measured: { rate: report.requestsPerSecond, p99: report.p99Ms, errors: report.errors },
    units: report.requests / 1_000_000,
  };
}

/** HTTP through a TCP proxy: wrk against nginx, which answers a few bytes from memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bench } from '../bounds.js';
import { Child, output } from '../child.js';
import { nginxCommand, nginxMain } from '../nginx-files.js';
import { referencePeer } from '../peers/all.js';
import { loopback, takesConnection, untilServed } from '../ports.js';
import { missingTools, needTool } from '../tools.js';
import { type Load, openLoad } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';
import { parseWrk } from './wrk.js';

const keepAliveHeaders: readonly string[] = [];
const closeHeaders = ['-H', 'Connection: close'] as const;

export const httpKeepAlive: Scenario = {
  name: 'http-keepalive',
  protocol: 'tcp',
  missing: () => missingTools(['wrk', 'nginx']),
  works: ({ httpConnections }) =>
    httpConnections.map((connections) =>
      httpWork(`HTTP keep-alive, ${connections} connections`, connections, keepAliveHeaders),
    ),
};

export const httpClose: Scenario = {
  name: 'http-close',
  protocol: 'tcp',
  missing: () => missingTools(['wrk', 'nginx']),
  works: ({ httpCloseConnections: connections }) => [
    httpWork(`HTTP, a connection each request, ${connections} at a time`, connections, closeHeaders),
  ],
};

function httpWork(title: string, connections: number, headers: readonly string[]): Work {
  const load: Load = {
    protocol: 'tcp',
    startTarget: startNginx,
    generate: (port, seconds) => runWrk(port, connections, headers, seconds),
  };
  return {
    title,
    figures: [
      { key: 'rate', title: 'requests/s', better: 'more', digits: 0 },
      { key: 'p99', title: 'p99 ms', better: 'less', digits: 2 },
      cpuFigure('million requests'),
      { key: 'errors', title: 'errors', better: 'less', digits: 0 },
    ],
    reference: referencePeer,
    warmUp: true,
    subjectCount: (peers) => peers.length,
    secondsEach: (seconds) => Math.max(1, Math.round(seconds)) + 0.2,
    open: (place) => openLoad(load, place),
  };
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
  // wrk takes whole seconds.
  const whole = Math.max(1, Math.round(seconds));
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${whole}s`,
    '--latency',
    ...headers,
    `http://${loopback}:${port}/`,
  ];
  const text = await output('wrk', { file: needTool('wrk'), args }, whole * 1_000 + bench.overtimeMs);
  const report = parseWrk(text);
  if (report.requests === 0) throw new Error('wrk got no answer');
  return {
    measured: { rate: report.requestsPerSecond, p99: report.p99Ms, errors: report.errors },
    units: report.requests / 1_000_000,
  };
}

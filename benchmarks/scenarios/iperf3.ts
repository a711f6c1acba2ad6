/** Bulk to the target by iperf3, the tool that others know. */
import { bench } from '../bounds.js';
import { Child, output } from '../child.js';
import { loopback } from '../ports.js';
import { missingTools, needTool } from '../tools.js';
import { streamsText } from './bulk.js';
import { parseIperf3 } from './iperf3-report.js';
import { loadWork } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';

/** iperf3 takes whole seconds; below one it is given an amount instead. */
const tinyAmount = '32M';

/** The last that its server says before a test; it closes its socket after each, and opens another for the next. */
const listening = /Server listening on [^\n]*\n-+\n$/;

export const iperf3: Scenario = {
  name: 'iperf3',
  protocol: 'tcp',
  missing: () => missingTools(['iperf3']),
  works: ({ iperf3Streams }) => iperf3Streams.map(iperf3Work),
};

function iperf3Work(streams: number): Work {
  return loadWork({
    title: `bulk, ${streamsText(streams)} to the target, by iperf3`,
    label: `${streamsText(streams)} (iperf3)`,
    figures: [{ key: 'rate', title: 'Gb/s', better: 'more', digits: 2 }, cpuFigure('GB')],
    secondsEach: (seconds) => Math.round(seconds) + 0.3,
    load: {
      protocol: 'tcp',
      startTarget: startServer,
      untilFree: (server) => server.said(listening),
      generate: (port, seconds) => runIperf3(port, streams, seconds),
    },
  });
}

async function startServer(port: number): Promise<Child> {
  const args = ['-s', '-B', loopback, '-p', String(port), '--forceflush'];
  const child = new Child("iperf3's server", { file: needTool('iperf3'), args });
  await child.said(listening);
  return child;
}

async function runIperf3(port: number, streams: number, seconds: number) {
  const amount = seconds < 1 ? ['-n', tinyAmount] : ['-t', String(Math.round(seconds))];
  const args = ['-c', loopback, '-p', String(port), '-P', String(streams), '-J', ...amount];
  const text = await output('iperf3', { file: needTool('iperf3'), args }, seconds * 1_000 + bench.overtimeMs);
  const report = parseIperf3(text);
  return { measured: { rate: report.gigabitsPerSecond }, units: report.bytes / 1e9 };
}

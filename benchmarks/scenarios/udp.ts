/** UDP round trips through a proxy: generator and echo are processes of their own, on system calls. */
import { bench, type UdpLoad } from '../bounds.js';
import { Child, output } from '../child.js';
import { referencePeer } from '../peers/all.js';
import { missingKoffi } from '../peers/sluice.js';
import { loadProgram } from './echo.js';
import { type Load, openLoad } from './load.js';
import { cpuFigure, type Scenario, type Work } from './scenario.js';

interface Report {
  readonly roundTrips: number;
  readonly lost: number;
  readonly seconds: number;
}

export const udp: Scenario = {
  name: 'udp',
  protocol: 'udp',
  missing: missingKoffi,
  works: ({ udpLoads }) => udpLoads.map(udpWork),
};

function udpWork(shape: UdpLoad): Work {
  const load: Load = {
    protocol: 'udp',
    startTarget: startEcho,
    generate: (port, seconds) => generate(shape, port, seconds),
  };
  const clients = `${shape.clients} client${shape.clients === 1 ? '' : 's'}`;
  return {
    title: `UDP, ${clients} x ${shape.inFlight} in flight, ${shape.bytes} B`,
    figures: [
      { key: 'rate', title: 'round trips/s', better: 'more', digits: 0 },
      { key: 'lost', title: 'lost %', better: 'less', digits: 3 },
      cpuFigure('million round trips'),
    ],
    reference: referencePeer,
    warmUp: true,
    subjectCount: (peers) => peers.length,
    secondsEach: (seconds) => seconds + 0.3,
    open: (place) => openLoad(load, place),
  };
}

async function startEcho(port: number): Promise<Child> {
  const child = new Child('the UDP target', loadProgram('udp-echo', port));
  await child.said('ready');
  return child;
}

async function generate({ clients, inFlight, bytes }: UdpLoad, port: number, seconds: number) {
  const text = await output(
    'the UDP generator',
    loadProgram('udp-generator', port, clients, inFlight, bytes, seconds),
    seconds * 1_000 + bench.overtimeMs,
  );
  const report = JSON.parse(text) as Report;
  if (report.roundTrips === 0) throw new Error('no datagram came back');
  const lost = (100 * report.lost) / (report.roundTrips + report.lost);
  return {
    measured: { rate: report.roundTrips / report.seconds, lost },
    units: report.roundTrips / 1_000_000,
  };
}

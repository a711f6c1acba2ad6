/** UDP round trips through a proxy: generator and echo are processes of their own, on system calls. */
import { bench, type UdpLoad } from '../bounds.js';
import { missingKoffi } from '../peers/sluice.js';
import { generated, startTarget } from './generator.js';
import { loadWork } from './load.js';
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

function udpWork({ clients, active, inFlight, bytes, together }: UdpLoad): Work {
  const clientsText = `${clients.toLocaleString('en-US')} client${clients === 1 ? '' : 's'}`;
  const who = active === clients ? clientsText : `${clientsText}, ${active} at a time,`;
  const work = together ? `messages of ${inFlight} x ${bytes} B` : `${bytes} B`;
  return loadWork({
    title: together ? `UDP, ${who}, ${work}` : `UDP, ${who} x ${inFlight} in flight, ${work}`,
    label: `UDP, ${clientsText}, ${work}`,
    figures: [
      { key: 'rate', title: 'round trips/s', better: 'more', digits: 0 },
      { key: 'lost', title: 'lost %', better: 'less', digits: 3 },
      cpuFigure('million round trips'),
    ],
    secondsEach: (seconds) => seconds + 0.3,
    load: {
      protocol: 'udp',
      ...(clients > bench.forkedFlows
        ? { notForForking: `it forks a process for each of ${clients} clients` }
        : {}),
      startTarget: (port) => startTarget('udp-echo', port, ...(together ? [bytes] : [])),
      generate: async (port, seconds) => {
        const report = await generated<Report>(
          together ? 'udp-message-generator' : 'udp-generator',
          port,
          clients,
          active,
          inFlight,
          bytes,
          seconds,
        );
        if (report.roundTrips === 0) throw new Error('no datagram came back');
        const lost = (100 * report.lost) / (report.roundTrips + report.lost);
        return {
          measured: { rate: report.roundTrips / report.seconds, lost },
          units: report.roundTrips / 1_000_000,
        };
      },
    },
  });
}

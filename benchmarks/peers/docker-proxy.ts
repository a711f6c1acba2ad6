import { loopback } from '../ports.js';
import { missingTools, needTool, versionOf } from '../tools.js';
import type { Peer } from './peer.js';

/** dockerd's own userland proxy; Debian has it in docker.io. */
export const dockerProxy: Peer = {
  name: 'docker-proxy',
  protocols: ['tcp', 'udp'],
  kind: 'other',
  choices: { 'one process a port': 'so dockerd starts it, and it has no other options' },
  // Go holds a pipe for each direction that it may splice.
  filesPerFlow: 6,
  missing: () => missingTools(['docker-proxy']),
  // Old ones have no option for their version, but come with the daemon.
  version: () => versionOf('dockerd', ['--version'], /version ([^\s,]+)/),
  command: ({ protocol, port, targetPort }) => ({
    file: needTool('docker-proxy'),
    args: [
      ...['-proto', protocol, '-host-ip', loopback, '-host-port', String(port)],
      ...['-container-ip', loopback, '-container-port', String(targetPort)],
    ],
    readyPipe: true,
  }),
};

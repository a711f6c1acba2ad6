import { loopback } from '../ports.js';
import { missingTools, needTool, versionOf } from '../tools.js';
import type { Peer } from './peer.js';

/** What people reach for first: a process for each connection, or for each UDP client. */
export const socat: Peer = {
  name: 'socat',
  protocols: ['tcp', 'udp'],
  kind: 'other',
  choices: {
    fork: 'its only way to serve more than one flow: a process for each',
    'nodelay, for TCP': 'small answers are sent at once, as all the others do',
    'backlog=4096, for TCP': 'its 5 would turn clients away that others let wait',
  },
  forks: true,
  missing: () => missingTools(['socat']),
  version: () => versionOf('socat', ['-V'], /socat version (\S+)/),
  command: ({ protocol, port, targetPort }) => {
    const family = protocol === 'tcp' ? 'TCP4' : 'UDP4';
    const options = protocol === 'tcp' ? 'fork,reuseaddr,backlog=4096,nodelay' : 'fork,reuseaddr';
    return {
      file: needTool('socat'),
      args: [
        `${family}-LISTEN:${port},bind=${loopback},${options}`,
        `${family}:${loopback}:${targetPort}${protocol === 'tcp' ? ',nodelay' : ''}`,
      ],
    };
  },
};

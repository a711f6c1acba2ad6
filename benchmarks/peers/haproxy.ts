import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openFilesLimit } from '../machine.js';
import { loopback } from '../ports.js';
import { missingTools, needTool, versionOf } from '../tools.js';
import type { Peer } from './peer.js';

export const haproxy: Peer = {
  name: 'haproxy',
  protocols: ['tcp'],
  kind: 'other',
  choices: {
    'mode tcp': 'it is to forward, not to read HTTP',
    [`nbthread ${availableParallelism()}`]:
      'its default, and what its manual advises: as many as there are cores',
    'option splice-auto': 'by its manual, bulk without copying where it finds that worth while',
    maxconn: 'what the open files allow, two a connection, beside those for the pipes of splicing',
    'retries 0': 'it says at once that a target is not there, as the others do',
    '10 min timeouts': 'its manual asks for some; none ends a benchmark',
  },
  missing: () => missingTools(['haproxy']),
  version: () => versionOf('haproxy', ['-v'], /version ([^\s,]+)/),
  command: ({ port, targetPort, folder }) => {
    const path = join(folder, `haproxy-${port}.cfg`);
    writeFileSync(path, configuration(port, targetPort));
    return { file: needTool('haproxy'), args: ['-db', '-f', path] };
  },
};

const pipes = 200;
const filesKeptBack = 2 * pipes + 400;

function configuration(port: number, targetPort: number): string {
  return `global
  nbthread ${availableParallelism()}
  maxpipes ${pipes}
  maxconn ${Math.floor((openFilesLimit() - filesKeptBack) / 2)}
defaults
  mode tcp
  option splice-auto
  retries 0
  timeout connect 10s
  timeout client 10m
  timeout server 10m
listen benchmark
  bind ${loopback}:${port}
  server target ${loopback}:${targetPort}
`;
}

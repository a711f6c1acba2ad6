import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openFilesLimit } from '../machine.js';
import { loopback } from '../ports.js';
import { missingTools, needTool, versionOf } from '../tools.js';
import type { Peer } from './peer.js';

/**
 * nbthread is what its manual says it takes by itself, as many as there are cores; splice-auto is its way to move
 * bulk without copying; maxconn is what the open files allow, two a connection, beside those for splicing's pipes.
 * Without retries it says at once that a target is not there, as the others do.
 */
export const haproxy: Peer = {
  name: 'haproxy',
  protocols: ['tcp'],
  note: `mode tcp, nbthread ${availableParallelism()} (its default: the cores), option splice-auto`,
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

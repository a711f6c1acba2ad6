import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nginxCommand, nginxMain } from '../nginx-files.js';
import { loopback } from '../ports.js';
import { findTool, missingTools, versionOf } from '../tools.js';
import type { Peer, Wish } from './peer.js';

export const nginx: Peer = {
  name: 'nginx',
  protocols: ['tcp', 'udp'],
  kind: 'other',
  choices: {
    'the stream module': 'its way to forward TCP and UDP',
    'worker_processes auto': 'what its manual advises: as many as there are cores',
    'reuseport, for UDP': 'its manual: otherwise datagrams of one session reach different workers',
    'worker_connections, worker_rlimit_nofile': 'what the open files allow',
    'access_log off': 'nobody else writes a record for each flow either',
  },
  missing: () => missingTools(['nginx']) ?? streamModule().missing,
  version: () => versionOf('nginx', ['-v'], /nginx\/(\S+)/),
  command: (wish) => {
    const path = join(wish.folder, `nginx-${wish.port}.conf`);
    writeFileSync(path, configuration(wish));
    return nginxCommand(wish.folder, path);
  },
};

function configuration({ protocol, port, targetPort, folder }: Wish): string {
  const { path } = streamModule();
  return `${path === undefined ? '' : `load_module ${path};`}
${nginxMain(folder, port)}
stream {
  access_log off;
  server {
    listen ${loopback}:${port}${protocol === 'udp' ? ' udp reuseport' : ''};
    proxy_pass ${loopback}:${targetPort};
  }
}
`;
}

/** Debian builds it as a module of its own, in libnginx-mod-stream; others build it in. */
function streamModule(): { readonly path?: string; readonly missing?: string } {
  const file = findTool('nginx');
  if (file === undefined) return { missing: 'nginx is not installed' };
  const built = spawnSync(file, ['-V'], { encoding: 'utf8', timeout: 5_000 }).stderr;
  if (/--with-stream(\s|$)/.test(built)) return {};
  const folder = /--modules-path=(\S+)/.exec(built)?.[1] ?? '/usr/lib/nginx/modules';
  const path = join(folder, 'ngx_stream_module.so');
  return existsSync(path)
    ? { path }
    : { missing: "nginx's stream module is not installed (Debian: libnginx-mod-stream)" };
}

/** What every nginx here has in common, as a proxy and as a target: it leaves no file outside its own folder. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Command } from './child.js';
import { openFilesLimit } from './machine.js';
import { needTool } from './tools.js';

export function nginxCommand(folder: string, path: string): Command {
  return { file: needTool('nginx'), args: ['-p', folder, '-e', 'stderr', '-c', path] };
}

/** The directives before `stream` or `http`; `name` tells one nginx's files from another's. */
export function nginxMain(folder: string, name: number): string {
  return `daemon off;
pid ${join(folder, `nginx-${name}.pid`)};
error_log stderr crit;
worker_processes auto;
worker_rlimit_nofile ${openFilesLimit()};
events { worker_connections ${Math.floor(openFilesLimit() / availableParallelism()) * 2}; }`;
}

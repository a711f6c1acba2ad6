/**
 * The drop-in for dockerd's userland proxy: moby's cmd/docker-proxy is the contract, line by line.
 *
 * dockerd starts one for each published port and address, waits on a pipe until it serves, throws away what it prints,
 * ends it with SIGINT, and then waits for its end without a bound. It has the kernel end its proxies with it
 * (PR_SET_PDEATHSIG), which needs nothing here.
 */

import { writeFileSync } from 'node:fs';
import type { Engine } from '../engine/engine.js';
import { messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { surviveFaults } from '../log/survive-faults.js';
import { writeCounters } from '../metrics/counters.js';
import { version } from '../version.js';
import { waitAtMost } from '../wait-at-most.js';
import { flagTable, inWords, readRequest } from './flags.js';
import { parseFlags, usageOf } from './go-flags.js';
import { openParentPipe } from './parent-pipe.js';
import { openProxyLog, type ProxyLog } from './proxy-log.js';
import { type Serving, serve } from './serve.js';

/** Go's flag package has these for its ExitOnError. */
const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** Go's usage names the program as it was started. */
export async function main(
  argv: readonly string[],
  program = process.argv[1] ?? 'docker-proxy',
): Promise<void> {
  const parsed = parseFlags(flagTable, argv);
  if (parsed.kind !== 'values') {
    if (parsed.kind === 'fault') process.stderr.write(`${parsed.message}\n`);
    process.stderr.write(usageOf(program, flagTable));
    process.exitCode = parsed.kind === 'help' ? exitCodes.done : exitCodes.usage;
    return;
  }
  if (parsed.values.v || parsed.values.version) {
    process.stdout.write(`docker-proxy (commit sluice) version ${version}\n`);
    return;
  }
  const pipe = openParentPipe();
  try {
    const request = readRequest(parsed.values);
    nameProcess(argv);
    const log = openProxyLog(process.env['SLUICE_DOCKER_PROXY_LOG'], inWords(request));
    surviveFaults((message) => log.warn(message));
    process.on('warning', ({ message }) => log.warn(message));
    stopOnSignals(await serve(request, log), log);
    // Nothing else holds Node while a failed shard waits to be started anew.
    setInterval(() => undefined, limits.durationMs);
    pipe?.serving();
  } catch (error) {
    pipe?.failed(messageOf(error));
    process.stderr.write(`docker-proxy: ${messageOf(error)}\n`);
    process.exit(exitCodes.failed);
  }
}

/** So that `ps`, `ss -p` and `pgrep docker-proxy` show what they always have. */
function nameProcess(argv: readonly string[]): void {
  process.title = ['docker-proxy', ...argv].join(' ');
  try {
    // The title has just become the name as well, cut off after 15 characters.
    writeFileSync('/proc/self/comm', 'docker-proxy');
  } catch {
    // No /proc, and then nobody looks there either.
  }
}

function stopOnSignals({ engine, service }: Serving, log: ProxyLog): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    // The kernel closes all that is open: it is for the log that every flow ends here first, so that each is told of.
    if (log.verbose) await waitAtMost(limits.dockerProxyCloseMs, closed(engine, log));
    log.info({ signal, ...writeCounters(service.counters()) }, 'stopped');
    process.exit(exitCodes.done);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', () => undefined);
}

/** A fault in closing costs records, never the end that dockerd waits for. */
async function closed(engine: Engine, log: ProxyLog): Promise<void> {
  try {
    await engine.close();
  } catch (error) {
    log.warn(`not every flow could be ended: ${messageOf(error)}`);
  }
}

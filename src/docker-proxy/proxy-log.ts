/**
 * What a proxy says of itself: lines of JSON in the file that SLUICE_DOCKER_PROXY_LOG names, which many proxies may
 * share, or else only its troubles, on stderr. Neither is ever waited for: it is opened not to block, and what a pipe
 * or a disk does not take at once is lost, and counted.
 */
import { constants, openSync, writeSync } from 'node:fs';
import { messageOf } from '../errors.js';

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;

export interface ProxyLog {
  /** True where it takes more than troubles. */
  readonly verbose: boolean;
  info(record: object, message: string): void;
  warn(message: string): void;
}

/** A file that cannot be opened is a trouble like another: the port is served all the same. */
export function openProxyLog(path: string | undefined, mapping: string): ProxyLog {
  const stderr = troublesOnStderr(mapping);
  if (path === undefined) return stderr;
  try {
    return jsonLines(openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640), mapping);
  } catch (error) {
    stderr.warn(`the file that SLUICE_DOCKER_PROXY_LOG names cannot be written: ${messageOf(error)}`);
    return stderr;
  }
}

function jsonLines(descriptor: number, mapping: string): ProxyLog {
  let lost = 0;
  const write = (level: string, record: object, message: string) => {
    const head = { time: new Date().toISOString(), level, pid: process.pid, mapping, msg: message };
    const line = JSON.stringify({ ...head, ...record, ...(lost > 0 ? { records_lost: lost } : {}) });
    lost = wrote(descriptor, `${line}\n`) ? 0 : lost + 1;
  };
  return {
    verbose: true,
    info: (record, message) => write('info', record, message),
    warn: (message) => write('warn', {}, message),
  };
}

function troublesOnStderr(mapping: string): ProxyLog {
  const descriptor = openStderr();
  return {
    verbose: false,
    info: () => undefined,
    warn: (message) => {
      if (descriptor !== undefined) wrote(descriptor, `docker-proxy: ${mapping}: ${message}\n`);
    },
  };
}

/** Opened anew, since a flag such as O_NONBLOCK is shared by all who have the same open file; a socket cannot be. */
function openStderr(): number | undefined {
  try {
    return openSync('/proc/self/fd/2', O_WRONLY | O_APPEND | O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function wrote(descriptor: number, line: string): boolean {
  try {
    return writeSync(descriptor, line) === Buffer.byteLength(line);
  } catch {
    // Full, or nobody reads: the next record says how many were lost.
    return false;
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopback } from '../ports.js';
import type { Peer, Wish } from './peer.js';

/** From build/benchmarks/peers. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
export const sluicePath = join(root, 'bin/sluice.js');

/** Logging as its users would leave it for speed: flows are counted, not written down one by one. */
export const quiet = ['--no-access-log', '--log-level', 'warn', '--drain-timeout', '100ms'] as const;

export type EngineName = 'splice' | 'stream';

function sluice(engine: EngineName, missing: () => string | undefined): Peer {
  return {
    name: `sluice-${engine}`,
    protocols: ['tcp', 'udp'],
    note: `--engine ${engine} --no-access-log --log-level warn; ${
      engine === 'splice' ? 'its default number of shards' : 'one thread'
    }`,
    missing,
    version: () => packageVersion(),
    command: (wish) => ({
      file: process.execPath,
      args: [sluicePath, 'run', '--engine', engine, ...quiet, '-p', publishSpec(wish), loopback],
    }),
  };
}

export const sluiceSplice = sluice('splice', () => missingKoffi());
export const sluiceStream = sluice('stream', () => undefined);

/** koffi is what system calls go through, in sluice and in the UDP load; it is an optional dependency. */
export function missingKoffi(): string | undefined {
  try {
    createRequire(import.meta.url).resolve('koffi');
    return undefined;
  } catch {
    // Not installed: on this platform, or by choice.
    return 'koffi is not installed';
  }
}

function publishSpec({ protocol, port, targetPort }: Wish): string {
  return `${loopback}:${port}:${targetPort}/${protocol}`;
}

function packageVersion(): string {
  const text = readFileSync(join(root, 'package.json'), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopback } from '../ports.js';
import type { Peer, Wish } from './peer.js';

/** From build/benchmarks/peers. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
const executable = 'bin/sluice.js';
export const sluicePath = join(root, executable);

/** Logging as its users would leave it for speed: flows are counted, not written down one by one. */
export const quiet = ['--no-access-log', '--log-level', 'warn', '--drain-timeout', '100ms'] as const;

let started = 0;

/** No two of them may be called alike, whoever else measures on this machine. */
export function nameOption(): string[] {
  started += 1;
  return ['--name', `bench-${process.pid}-${started}`];
}

export type EngineName = 'splice' | 'stream';

function sluice(name: string, engine: EngineName, folder: string, missing: () => string | undefined): Peer {
  return {
    name,
    protocols: ['tcp', 'udp'],
    kind: 'sluice',
    choices: {
      [`--engine ${engine}`]: 'the engine that is measured',
      '--no-access-log, --log-level warn': 'nobody else writes a record for each flow either',
      '--drain-timeout 100ms': 'of no effect until it is stopped',
    },
    missing,
    version: () => packageVersion(folder),
    command: (wish) => ({
      file: process.execPath,
      args: [
        join(folder, executable),
        'run',
        '--engine',
        engine,
        ...quiet,
        ...nameOption(),
        '-p',
        publishSpec(wish),
        loopback,
      ],
    }),
  };
}

export const sluiceSplice = sluice('sluice-splice', 'splice', root, () => missingKoffi());
export const sluiceStream = sluice('sluice-stream', 'stream', root, () => undefined);

/** Another checkout of sluice, built: to see what a change does, side by side. */
export function sluiceBefore(folder: string): Peer {
  const bundle = join(folder, 'dist/sluice.js');
  return sluice('sluice-before', 'splice', folder, () =>
    existsSync(bundle) ? missingKoffi() : `there is no ${bundle}: build it first`,
  );
}

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

function packageVersion(folder: string): string {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}

/** Many mappings in one process of sluice, from a mapping file: time until all are published, and memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from '../bounds.js';
import { Child } from '../child.js';
import type { Peer } from '../peers/peer.js';
import {
  type EngineName,
  nameOption,
  quiet,
  sluicePath,
  sluiceSplice,
  sluiceStream,
} from '../peers/sluice.js';
import { loopback } from '../ports.js';
import { residentBytesOf } from '../process-tree.js';
import type { Measured, Place, Scenario, Subject, Work } from './scenario.js';

const engines: readonly (readonly [EngineName, Peer])[] = [
  ['splice', sluiceSplice],
  ['stream', sluiceStream],
];

export const mappings: Scenario = {
  name: 'mappings',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ mappings: count }) => [mappingsWork(count)],
};

function mappingsWork(count: number): Work {
  return {
    title: `1 mapping, and ${count} TCP + ${count} UDP mappings, from one file`,
    figures: [
      { key: 'ready', title: 'ms until published', better: 'less', digits: 1 },
      { key: 'resident', title: 'MB resident', better: 'less', digits: 1 },
    ],
    reference: subjectName('splice', 2 * count),
    warmUp: false,
    subjectCount: (peers) => 2 * chosen(peers).length,
    secondsEach: () => 1.5,
    open: ({ peers, folder }: Place) =>
      Promise.resolve({
        subjects: chosen(peers).flatMap((engine) => [
          subject(engine, folder, 1, 0),
          subject(engine, folder, count, count),
        ]),
        failures: [],
        close: () => Promise.resolve(),
      }),
  };
}

function chosen(peers: readonly Peer[]): EngineName[] {
  return engines.filter(([, peer]) => peers.includes(peer)).map(([engine]) => engine);
}

function subjectName(engine: EngineName, all: number): string {
  return `sluice-${engine}, ${all}`;
}

function subject(engine: EngineName, folder: string, tcp: number, udp: number): Subject {
  const path = join(folder, `mappings-${engine}-${tcp + udp}.json`);
  writeFileSync(path, mappingFile(tcp, udp));
  return {
    name: subjectName(engine, tcp + udp),
    measure: () => measureMappings(engine, path, tcp + udp),
  };
}

/** The kernel gives the host ports. */
function mappingFile(tcp: number, udp: number): string {
  const ports = (count: number, protocol: string) =>
    Array.from({ length: count }, (_, index) => `${loopback}::${1 + index}/${protocol}`);
  return JSON.stringify({
    mappings: [{ name: 'many', to: loopback, ports: [...ports(tcp, 'tcp'), ...ports(udp, 'udp')] }],
  });
}

async function measureMappings(engine: EngineName, path: string, all: number): Promise<Measured> {
  const args = [sluicePath, 'run', '--engine', engine, ...quiet, ...nameOption(), '--config', path];
  const startedMs = performance.now();
  const child = new Child(`sluice-${engine}`, { file: process.execPath, args });
  try {
    // A line for each, all of them at the end of the start.
    await child.said(new RegExp(`^(\\S+ -> \\S+\\n){${all}}`));
    const ready = performance.now() - startedMs;
    await pause(bench.settleMs);
    return { ready, resident: residentBytesOf(child.pid) / 1e6 };
  } finally {
    await child.stop();
  }
}

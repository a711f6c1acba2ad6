/** One and many mappings in one process of sluice, from a mapping file: time until all are published, and memory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bench } from '../bounds.js';
import { Child } from '../child.js';
import { referencePeer } from '../peers/all.js';
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
import { cpuSecondsOf, residentBytesOf } from '../process-tree.js';
import type { Measured } from '../report.js';
import { cpuFigure, type Place, type Scenario, type Subject, type Work } from './scenario.js';

const engines: readonly (readonly [EngineName, Peer])[] = [
  ['splice', sluiceSplice],
  ['stream', sluiceStream],
];

export const mappings: Scenario = {
  name: 'mappings',
  protocol: 'tcp',
  missing: () => undefined,
  works: ({ mappings: counts }) => counts.map(mappingsWork),
};

function mappingsWork(count: number): Work {
  return {
    title: count === 1 ? '1 TCP mapping' : `${count.toLocaleString('en-US')} mappings, half of them UDP`,
    figures: [
      { key: 'ready', title: 'ms until published', better: 'less', digits: 1 },
      { key: 'resident', title: 'MB resident', better: 'less', digits: 1 },
      cpuFigure('start'),
    ],
    reference: referencePeer,
    warmUp: false,
    subjectCount: (peers) => chosen(peers).length,
    secondsEach: () => 1,
    open: ({ peers, folder }: Place) =>
      Promise.resolve({
        subjects: chosen(peers).map((engine) => subject(engine, folder, count)),
        failures: [],
        leftOut: [],
        close: () => Promise.resolve(),
      }),
  };
}

function chosen(peers: readonly Peer[]): EngineName[] {
  return engines.filter(([, peer]) => peers.includes(peer)).map(([engine]) => engine);
}

function subject(engine: EngineName, folder: string, count: number): Subject {
  const path = join(folder, `mappings-${engine}-${count}.json`);
  const udp = Math.floor(count / 2);
  writeFileSync(path, mappingFile(count - udp, udp));
  return { name: `sluice-${engine}`, measure: () => measureMappings(engine, path, count) };
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
    return { ready, resident: residentBytesOf(child.pid) / 1e6, cpu: cpuSecondsOf(child.pid) };
  } finally {
    await child.stop();
  }
}

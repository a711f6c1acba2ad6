/**
 * A soak: mixed TCP and UDP through the real executable for as long as asked, every byte checked, then what it left behind.
 *
 *     npm run soak -- --minutes 30 [--seed N]
 */
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';
import { limits } from '../../src/limits.js';
import type { Scope } from '../support/scope.js';
import { runSluice, type SluiceProcess } from '../support/sluice-process.js';
import { settled, until } from '../support/until.js';
import { MemorySamples } from './memory-samples.js';
import { Random } from './random.js';
import { startTcpTarget, type TcpTally, tcpLane } from './tcp-load.js';
import { startUdpTarget, type UdpTally, udpLane } from './udp-load.js';

export interface SoakOptions {
  /** Ends the process, whatever becomes of the soak. */
  readonly scope: Scope;
  readonly ms: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

export interface SoakResult {
  readonly tcp: TcpTally;
  readonly udp: UdpTally;
  /** Everything that is not as it should be; a soak that passed has none. */
  readonly faults: readonly string[];
}

const tcpLanes = 24;
const udpLanes = 8;
const tellEveryMs = 30_000;
/** What a thread that forwards has of its own: an epoll and an eventfd, and those of its Node. */
const descriptorsOfThread = 4;
/** UDP datagrams that may be lost on loopback, where a receive buffer overflows. */
const lossAtMost = 0.05;

export async function soak({ scope, ms, seed, tell }: SoakOptions): Promise<SoakResult> {
  const tcp: TcpTally = { whole: 0, reset: 0, bytes: 0, faults: [] };
  const udp: UdpTally = { sent: 0, answered: 0, faults: [] };
  const tcpTarget = await startTcpTarget(tcp);
  const udpTarget = await startUdpTarget();
  const published = [
    '-p',
    `127.0.0.1::${tcpTarget.port}`,
    '-p',
    `127.0.0.1::${udpTarget.address().port}/udp`,
  ];
  const options = ['--engine', 'splice', '--udp-timeout', '1s', '--no-access-log'];
  const sluice = await runSluice(scope, [...options, ...published, '127.0.0.1'], 2);
  // Its shards have started once a flow has gone through.
  await warmUp(sluice.port(0));
  const before = descriptorsOf(sluice.pid);
  const memory = new MemorySamples(sluice.pid, ms, () => threadsAdded(sluice));
  const endsMs = performance.now() + ms;
  const stopped = () => performance.now() >= endsMs;
  const telling = setInterval(() => tell(`${summary(tcp, udp)}; ${memory.latest()} KiB`), tellEveryMs);
  await Promise.all([
    ...Array.from({ length: tcpLanes }, (_, lane) =>
      tcpLane(sluice.port(0), new Random(seed + lane * 7919), tcp, stopped),
    ),
    ...Array.from({ length: udpLanes }, (_, lane) =>
      udpLane(sluice.port(1), new Random(seed + 1 + lane * 104_729), udp, stopped),
    ),
  ]);
  clearInterval(telling);
  memory.stop();
  const left = await descriptorsLeft(sluice, before);
  const faults = [...tcp.faults, ...udp.faults, ...left, ...memory.faults(), ...troublesOf(sluice)];
  if (udp.answered < udp.sent * (1 - lossAtMost))
    faults.push(`${udp.sent - udp.answered} of ${udp.sent} datagrams did not come back`);
  const { code } = await sluice.stop();
  if (code !== 0) faults.push(`sluice ended with ${code}`);
  await tcpTarget.close();
  udpTarget.close();
  await once(udpTarget, 'close');
  tell(`${summary(tcp, udp)}; memory ${memory.describe()}`);
  return { tcp, udp, faults };
}

async function warmUp(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  socket.end();
  await once(socket.resume(), 'close');
}

function summary(tcp: TcpTally, udp: UdpTally): string {
  const gibibytes = (tcp.bytes / 2 ** 30).toFixed(1);
  return `${tcp.whole} TCP flows whole (${gibibytes} GiB), ${tcp.reset} reset; ${udp.answered} of ${udp.sent} datagrams answered`;
}

interface Descriptors {
  readonly pipes: number;
  readonly others: number;
}

function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

function descriptorsOf(pid: number): Descriptors {
  const links = linksOf(pid);
  const pipes = links.filter((link) => link.startsWith('pipe:')).length;
  return { pipes, others: links.length - pipes };
}

/** As the kernel lists them, for whoever has to find out what stayed and why. */
function socketsOf(pid: number): string[] {
  const inodes = linksOf(pid).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  return ['tcp', 'udp'].flatMap((protocol) =>
    readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8')
      .split('\n')
      .filter((line) => inodes.includes(line.trim().split(/\s+/)[9] ?? ''))
      .map((line) => `${protocol} ${line.trim()}`),
  );
}

/** Waits for flows to end and associations to be forgotten; tells of what stays. A pool keeps a few spare pipes. */
async function descriptorsLeft(sluice: SluiceProcess, before: Descriptors): Promise<string[]> {
  const { pid } = sluice;
  const added = threadsAdded(sluice);
  const sparePipeEnds = 2 * limits.sparePipesPerShard * (1 + added);
  const fits = ({ pipes, others }: Descriptors) =>
    others <= before.others + added * descriptorsOfThread && pipes <= before.pipes + sparePipeEnds;
  try {
    await until('descriptors to be closed', () => fits(descriptorsOf(pid)));
    return [];
  } catch {
    const now = descriptorsOf(pid);
    const left = socketsOf(pid).map((socket) => `left: ${socket}`);
    const counts = `${JSON.stringify(before)} before, ${JSON.stringify(now)} after ${added} added threads`;
    return [`descriptors: ${counts}`, ...left];
  } finally {
    await settled('descriptors', () => descriptorsOf(pid).others);
  }
}

/** Threads that forward, besides the one it began with. */
function threadsAdded({ records }: SluiceProcess): number {
  return records.filter(({ msg }) => /busy: there are \d+ now$/.test(String(msg))).length;
}

function troublesOf(sluice: SluiceProcess): string[] {
  const warnings = sluice.records.filter(
    ({ level }) => Number(level) >= 40 || ['warn', 'error'].includes(String(level)),
  );
  return warnings.map((record) => `trouble: ${JSON.stringify(record)}`);
}

function argument(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

async function main(): Promise<void> {
  const seed = argument('seed', Date.now() & 0xffff);
  const say = (line: string) => console.log(`${new Date().toISOString()} ${line}`);
  say(`seed ${seed}`);
  const ends: (() => unknown)[] = [];
  const scope: Scope = { onEnd: (end) => ends.push(end) };
  try {
    const { faults } = await soak({ scope, ms: argument('minutes', 30) * 60_000, seed, tell: say });
    for (const fault of faults) say(`FAULT ${fault}`);
    say(faults.length === 0 ? 'passed' : `failed: ${faults.length} faults`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();

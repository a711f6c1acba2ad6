/** What Linux accounts for a process and all that it started: /proc, see proc(5). */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;
const kibibyte = 1024;

interface Stat {
  readonly parent: number;
  /** Of the process with its threads, and of its children that have ended and were waited for. */
  readonly cpuTicks: number;
}

/** CPU seconds that a process, its threads, and its children past and present have used. */
export function cpuSecondsOf(pid: number): number {
  const ticks = treeOf(pid).map((member) => statOf(member)?.cpuTicks ?? 0);
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond;
}

/** Resident bytes of a process and its children; pages that they share are counted in each. */
export function residentBytesOf(pid: number): number {
  const sizes = treeOf(pid).map(residentBytes);
  return sizes.reduce((sum, each) => sum + each, 0);
}

/** The process itself and its descendants. */
export function treeOf(pid: number): number[] {
  const childrenOf = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statOf(Number(entry))?.parent;
    if (parent !== undefined) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(entry)]);
  }
  const tree = [pid];
  // Grows while it is walked: each member's children are members too.
  for (const member of tree) tree.push(...(childrenOf.get(member) ?? []));
  return tree;
}

/** Kills a process with all that it forked, as far as it is there. */
export function killTree(pid: number): void {
  for (const member of treeOf(pid)) killOne(member);
}

export function killOne(pid: number): void {
  // Of a process that never came to be; to the kernel, 0, 1 and negative numbers mean others, or everyone.
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function statOf(pid: number): Stat | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything: what follows its last one has fixed places.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 15) return undefined;
  const times = fields.slice(11, 15).map(Number);
  return { parent: Number(fields[1]), cpuTicks: times.reduce((sum, each) => sum + each, 0) };
}

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readOrNothing(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes ?? 0) * kibibyte;
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended since it was listed.
    return '';
  }
}

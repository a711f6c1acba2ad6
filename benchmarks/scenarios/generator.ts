/** Our own load programs, benchmarks/load compiled: each a process, which says `ready` or one line of JSON. */
import { fileURLToPath } from 'node:url';
import { bench } from '../bounds.js';
import { Child, type Command, output } from '../child.js';

export function loadProgram(name: string, ...args: readonly number[]): Command {
  const path = fileURLToPath(new URL(`../load/${name}.js`, import.meta.url));
  return { file: process.execPath, args: [path, ...args.map(String)] };
}

/** A target that serves. */
export async function startTarget(name: string, port: number, ...others: readonly number[]): Promise<Child> {
  const child = new Child(`the target ${name}`, loadProgram(name, port, ...others));
  try {
    await child.said('ready');
    return child;
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** Runs a generator, whose last argument is how long, and gives what it reports. */
export async function generated<Report>(name: string, ...args: readonly number[]): Promise<Report> {
  const mostMs = (args.at(-1) ?? 0) * 1_000 + bench.overtimeMs;
  return JSON.parse(await output(name, loadProgram(name, ...args), mostMs)) as Report;
}

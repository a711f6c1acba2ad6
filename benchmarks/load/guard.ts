/**
 * Outlives a benchmark that is killed without a chance to end what it started. Its stdin is a pipe from the benchmark,
 * with a line for each process: `+PID` was started, `-PID` has ended. When the pipe closes, so has the benchmark: what is
 * left is killed, with what it forked.
 */
import { createInterface } from 'node:readline';
import { killTree } from '../process-tree.js';

const running = new Set<number>();

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) running.add(pid);
  else running.delete(pid);
}
for (const pid of running) killTree(pid);

/** A thread that sleeps in an epoll until something wakes it, and ends. Started by `sleeper`. */
import { readdirSync, readFileSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { epoll } from '../../src/sys/epoll.js';
import { mapRegion } from '../../src/sys/mman.js';
import { until } from './until.js';

if (!isMainThread) epoll().wait(workerData as number, mapRegion(4096).address, 1, -1);

/** A thread that sleeps, until it is woken. */
export interface Sleeper {
  readonly woken: boolean;
}

/** Done when it sleeps. */
export async function sleeper(epollDescriptor: number): Promise<Sleeper> {
  const state = { woken: false };
  const worker = new Worker(new URL(import.meta.url), { workerData: epollDescriptor });
  worker.once('exit', () => {
    state.woken = true;
  });
  await until('a thread to sleep', () => sleepsIn(epollDescriptor));
  return state;
}

/** Whether a thread of this process is in a call of epoll_wait or epoll_pwait (proc_pid_syscall(5)). */
function sleepsIn(epollDescriptor: number): boolean {
  const calls = ['232', '281', '22'].map((call) => `${call} 0x${epollDescriptor.toString(16)} `);
  return readdirSync('/proc/self/task').some((thread) => {
    const now = callOf(thread);
    return calls.some((call) => now.startsWith(call));
  });
}

function callOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/syscall`, 'utf8');
  } catch {
    // It has ended since it was listed.
    return '';
  }
}

/** How the kernel schedules the threads of a process, by what it says of them itself (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { Arena } from '../../src/engine/splice/arena.js';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { checked } from '../../src/sys/errno.js';
import { schedAttr } from '../../src/sys/sched.js';

export interface Scheduling {
  readonly sliceNs: number;
  /** As sched(7) numbers them. */
  readonly policy: number;
  readonly nice: number;
}

const [major = 0, minor = 0] = release().split('.').map(Number);

/** Linux 6.12 is the first whose threads may ask for a slice. */
export const hasSlices = process.platform === 'linux' && (major > 6 || (major === 6 && minor >= 12));

export function schedulingOf(pid: number): Scheduling[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => threadScheduling(`/proc/${pid}/task/${thread}`));
}

function threadScheduling(folder: string): Scheduling {
  const fields = readFileSync(`${folder}/sched`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}\\s*:\\s*(\\d+)$`, 'm').exec(fields)?.[1]);
  const [, numbers = ''] = readFileSync(`${folder}/stat`, 'utf8').split(') ');
  return { sliceNs: field('se\\.slice'), policy: field('policy'), nice: Number(numbers.split(' ')[16]) };
}

/** The slice of the calling thread. */
export class OwnSlice {
  readonly #sys = openSyscalls();
  readonly #arena = new Arena(4096);
  readonly #at = this.#arena.take(schedAttr.bytes);

  ns(): number {
    checked('sched_getattr', this.#sys.sched_getattr(this.#arena.address(this.#at)));
    return Number(this.#arena.view.getBigUint64(this.#at + schedAttr.runtime, true));
  }

  /** 0 gives the usual one back. */
  askFor(ns: number): void {
    this.ns();
    this.#arena.view.setBigUint64(this.#at + schedAttr.runtime, BigInt(ns), true);
    checked('sched_setattr', this.#sys.sched_setattr(this.#arena.address(this.#at)));
  }
}

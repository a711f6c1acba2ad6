/** Pipes of a user without privileges, made by a process of its own until its bound on pages in pipes is passed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { checked, errnoName } from '../../src/sys/errno.js';
import { F_GETPIPE_SZ, F_SETPIPE_SZ, O_CLOEXEC } from '../../src/sys/fcntl.js';
import { mapRegion } from '../../src/sys/mman.js';

const program = fileURLToPath(import.meta.url);
const pageBytes = 4096;

export interface MadePipe {
  /** Bytes it has when it is made. */
  readonly bytes: number;
  /** Why it could not be made larger: the errno, or empty. */
  readonly refused: string;
}

/** Why that cannot be seen here, in words; undefined where it can. */
export function whyNoUnprivilegedPipes(): string | undefined {
  if (process.platform !== 'linux') return 'pipes of Linux';
  if (process.getuid?.() !== 0) return 'no right to be another user: that needs root';
  return softPages() === 0 ? 'this machine does not bound pages in pipes' : undefined;
}

const softPages = () => Number(readFileSync('/proc/sys/fs/pipe-user-pages-soft', 'utf8'));

/** As many as the bound has room for and one more, each made as large as is asked for before the next. */
export function unprivilegedPipes(askedBytes: number): readonly MadePipe[] {
  // Pages are counted by user: one that has no other process.
  const user = 70_000 + (process.pid % 10_000);
  const count = Math.ceil((softPages() * pageBytes) / askedBytes) + 1;
  const said = execFileSync(process.execPath, [program, String(user), String(askedBytes), String(count)]);
  return JSON.parse(String(said)) as readonly MadePipe[];
}

if (process.argv[1] === program) {
  const [user = 0, askedBytes = 0, count = 0] = process.argv.slice(2).map(Number);
  const sys = openSyscalls();
  const { address, buffer } = mapRegion(pageBytes);
  process.setgid?.(user);
  process.setuid?.(user);
  const made: MadePipe[] = [];
  while (made.length < count) {
    checked('pipe2', sys.pipe2(address, O_CLOEXEC));
    const [readEnd = -1] = new Int32Array(buffer);
    const bytes = sys.fcntl(readEnd, F_GETPIPE_SZ, 0);
    const refused = sys.fcntl(readEnd, F_SETPIPE_SZ, askedBytes) < 0 ? errnoName(sys.errno()) : '';
    made.push({ bytes, refused });
  }
  process.stdout.write(JSON.stringify(made));
}

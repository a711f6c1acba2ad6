/**
 * Processes that a benchmark starts. Each is ended by its own pid, with what it forked, when its work is over; what is
 * left when the benchmark ends, by a signal or a fault too, is killed then; and where it is killed itself, by a guard.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { bench } from './bounds.js';
import { killOne, killTree, treeOf } from './process-tree.js';

const running = new Set<Child>();
let guard: ChildProcess | undefined;
let inOwnSessions = false;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Gives the process a pipe as descriptor 3, as docker-proxy wants it. */
  readonly readyPipe?: boolean;
}

export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  stdout = '';
  stderr = '';
  #failure: string | undefined;

  constructor(name: string, { file, args, readyPipe = false }: Command) {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(readyPipe ? (['pipe'] as const) : [])];
    this.name = name;
    this.process = spawn(file, args, { stdio, detached: inOwnSessions });
    running.add(this);
    tellGuard('+', this.pid);
    this.exited = new Promise((resolve) => {
      this.process.on('error', (error) => {
        this.#failure = error.message;
        resolve();
      });
      this.process.on('close', () => resolve());
    });
    void this.exited.then(() => {
      running.delete(this);
      tellGuard('-', this.pid);
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = bounded(this.stdout + text);
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = bounded(this.stderr + text);
    });
    // Nothing is asked of the pipe but that it is there and read.
    this.process.stdio[3]?.on('data', () => undefined);
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  get hasEnded(): boolean {
    return this.#failure !== undefined || this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** How it ended and the last that it said, for an error. */
  get lastWords(): string {
    const { exitCode, signalCode } = this.process;
    const end = this.#failure ?? (signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`);
    const lines = `${this.stderr}\n${this.stdout}`.trim().split('\n');
    // Node tells an error first and much else after it.
    const said = lines.find((line) => /^\w*Error: /.test(line)) ?? lines.slice(-3).join(' / ');
    return `${this.hasEnded ? end : 'still running'}${said === '' ? '' : `: ${said}`}`;
  }

  /** Waits until stdout has `text`. */
  async said(text: string | RegExp): Promise<void> {
    const has = () => (typeof text === 'string' ? this.stdout.includes(text) : text.test(this.stdout));
    const timeout = AbortSignal.timeout(bench.readyMs);
    while (!has()) {
      if (this.hasEnded) await this.exited;
      if (has()) return;
      if (this.hasEnded) throw new Error(`${this.name} ended early: ${this.lastWords}`);
      try {
        await Promise.race([
          once(this.process.stdout ?? this.process, 'data', { signal: timeout }),
          this.exited,
        ]);
      } catch {
        throw new Error(`${this.name} said nothing of ${text} in ${bench.readyMs} ms: ${this.lastWords}`);
      }
    }
  }

  /** Asks it to end, then makes it; its own children with it. */
  async stop(): Promise<void> {
    const tree = this.hasEnded ? [] : treeOf(this.pid);
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), bench.stopMs);
    const left = tree.filter((pid) => pid !== this.pid);
    await Promise.race([once(this.process, 'exit'), this.#gone()]);
    clearTimeout(timer);
    for (const pid of left) killOne(pid);
    // Only now are the pipes closed by all who held them.
    await this.exited;
  }

  /** Ends it with all that it forked, at once and without waiting. */
  killTree(): void {
    if (!this.hasEnded) killTree(this.pid);
  }

  async #gone(): Promise<void> {
    if (!this.hasEnded) await this.exited;
  }
}

/** Runs a command that ends by itself within the time, and gives its stdout. */
export async function output(name: string, command: Command, mostMs: number): Promise<string> {
  const child = new Child(name, command);
  const timer = setTimeout(() => child.killTree(), mostMs);
  await child.exited;
  clearTimeout(timer);
  if (child.process.exitCode !== 0) throw new Error(`${name} failed, ${child.lastWords}`);
  return child.stdout;
}

/** From now on: the kernel may share its processors out among sessions (sched(7)), and services have one each. */
export function startInOwnSessions(): void {
  inOwnSessions = true;
}

/** Nothing that was started outlives this process: to be called once, at its start. */
export function killLeftoversAtTheEnd(): void {
  process.on('exit', killLeftovers);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}

export function killLeftovers(): void {
  for (const child of running) child.killTree();
}

/** The guard keeps nobody from ending: it ends with its pipe. */
function tellGuard(sign: '+' | '-', pid: number): void {
  guard ??= startGuard();
  guard.stdin?.write(`${sign}${pid}\n`);
}

function startGuard(): ChildProcess {
  const path = fileURLToPath(new URL('./load/guard.js', import.meta.url));
  // In a group of its own: Ctrl-C is for the others.
  const started = spawn(process.execPath, [path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Without it the benchmark works as well, if it is not killed.
  started.on('error', () => undefined);
  started.stdin.on('error', () => undefined);
  started.unref();
  if (started.stdin instanceof Socket) started.stdin.unref();
  return started;
}

function bounded(text: string): string {
  return text.slice(-bench.outputCharacters);
}

/** The real executable as a child process: its published ports, its log, its end. Every child dies with its test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './folder.js';
import type { Scope } from './scope.js';
import { withDeadline } from './until.js';

/** From build/test/support. */
export const sluicePath = fileURLToPath(new URL('../../../bin/sluice.js', import.meta.url));

export interface PublishedLine {
  readonly targetPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly port: number;
  readonly text: string;
}

export type LogRecord = Readonly<Record<string, unknown>>;
type Condition = (record: LogRecord) => boolean;

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** Options for node itself, before the executable. */
  readonly nodeOptions?: readonly string[];
  /** Another copy of it than the checkout's own. */
  readonly executable?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The folder it runs in, where that is not the tests' own. */
  readonly cwd?: string;
  /** What the command has in front, which has to become it: `ip netns exec NAME`. */
  readonly within?: readonly string[];
  /** Leaves stderr unread, as a log collector that hangs does. */
  readonly stderrUnread?: boolean;
  /** Files to write to in place of pipes. */
  readonly stdoutFile?: number;
  readonly stderrFile?: number;
}

/** `sluice …`, started and not waited for. */
export function spawnSluice(
  scope: Scope,
  args: readonly string[],
  options: StartOptions = {},
): SluiceProcess {
  const executable = options.executable ?? sluicePath;
  const whole = [...(options.within ?? []), process.execPath, ...(options.nodeOptions ?? []), executable];
  const [command = '', ...before] = whole;
  const child = spawn(command, [...before, ...args], {
    stdio: ['ignore', options.stdoutFile ?? 'pipe', options.stderrFile ?? 'pipe'],
    // A runtime folder of its own, so that no two tests meet in their instances' names.
    env: { ...process.env, SLUICE_RUNTIME_DIR: temporaryFolder(scope), ...options.env },
    cwd: options.cwd ?? process.cwd(),
  });
  scope.onEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  return new SluiceProcess(child, options.stderrUnread ?? false);
}

/** `sluice run …`, done when it has printed `lines` published ports. */
export async function runSluice(
  scope: Scope,
  args: readonly string[],
  lines = 1,
  options: StartOptions = {},
): Promise<SluiceProcess> {
  const sluice = spawnSluice(scope, ['run', ...args], options);
  await sluice.printed(lines);
  return sluice;
}

/** Runs a command that ends by itself. */
export async function sluiceOutput(
  scope: Scope,
  args: readonly string[],
  options: StartOptions = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const sluice = spawnSluice(scope, args, options);
  const { code } = await sluice.ended();
  return { code, stdout: sluice.stdout, stderr: sluice.stderr };
}

export class SluiceProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<ExitStatus>;
  readonly records: LogRecord[] = [];
  stdout = '';
  stderr = '';
  readonly #looks = new Set<() => void>();

  constructor(child: ChildProcess, stderrUnread: boolean) {
    this.child = child;
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    if (!stderrUnread && child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => this.#takeLogLine(line));
    }
    child.on('exit', () => this.#look());
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get published(): PublishedLine[] {
    return [...this.stdout.matchAll(/^(\d+)\/(tcp|udp) -> (.+):(\d+)$/gm)].map(
      ([text, targetPort, protocol, hostIp, port]) => ({
        text,
        targetPort: Number(targetPort),
        protocol: String(protocol),
        hostIp: String(hostIp),
        port: Number(port),
      }),
    );
  }

  /** The host port of the nth published line. */
  port(index = 0): number {
    const line = this.published[index];
    if (line === undefined) throw new Error(`no published line ${index} in:\n${this.stdout}`);
    return line.port;
  }

  /** The access records so far. */
  flows(reason?: string): LogRecord[] {
    return this.records.filter(
      (record) => isFlow(record) && (reason ?? record['reason']) === record['reason'],
    );
  }

  printed(lines: number): Promise<void> {
    return this.#until(`${lines} published lines`, () => this.published.length >= lines);
  }

  said(text: string): Promise<void> {
    return this.#until(`${JSON.stringify(text)} on stdout`, () => this.stdout.includes(text));
  }

  /** The first record that fits, there already or still to come. */
  async logged(fits: Condition): Promise<LogRecord> {
    await this.#until(`a log record with ${fits}`, () => this.records.some(fits));
    const record = this.records.find(fits);
    if (record === undefined) throw new Error('unreachable');
    return record;
  }

  /** The first access record, of this reason. */
  flowLogged(reason?: string): Promise<LogRecord> {
    return this.logged((record) => isFlow(record) && (reason === undefined || record['reason'] === reason));
  }

  async flowsLogged(count: number, reason?: string): Promise<LogRecord[]> {
    await this.#until(`${count} access records ${reason ?? ''}`, () => this.flows(reason).length >= count);
    return this.flows(reason);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit, which has to come by itself or because of a signal sent before. */
  ended(): Promise<ExitStatus> {
    return withDeadline(this.exited, () => `the process did not end; ${this.#seen()}`);
  }

  stop(): Promise<ExitStatus> {
    this.signal('SIGTERM');
    return this.ended();
  }

  #takeLogLine(line: string): void {
    this.stderr += `${line}\n`;
    const record = parseRecord(line);
    if (record !== undefined) this.records.push(record);
    this.#look();
  }

  #look(): void {
    for (const look of this.#looks) look();
  }

  #until(what: string, happened: () => boolean): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      const look = () => {
        const exited = this.child.exitCode !== null || this.child.signalCode !== null;
        if (happened()) resolve();
        else if (exited) void this.exited.then(() => (happened() ? resolve() : reject(this.#missed(what))));
        else return;
        this.#looks.delete(look);
      };
      this.#looks.add(look);
      look();
    });
    return withDeadline(promise, () => this.#missed(what).message);
  }

  #missed(what: string): Error {
    return new Error(`waited for ${what}; ${this.#seen()}`);
  }

  #seen(): string {
    return `exit code ${this.child.exitCode}, stdout:\n${this.stdout}\nstderr:\n${this.stderr.slice(-4000)}`;
  }
}

function isFlow(record: LogRecord): boolean {
  return 'reason' in record && 'bytes_in' in record;
}

function parseRecord(line: string): LogRecord | undefined {
  try {
    return JSON.parse(line) as LogRecord;
  } catch {
    // A plain line, such as an error told at the start.
    return undefined;
  }
}

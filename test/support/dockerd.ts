/**
 * A real dockerd for a test file, in network and mount namespaces of its own: many run on one machine at once, none
 * sees the machine's own Docker, and its ports are nobody else's.
 *
 * How it stays apart. One process, the holder, is started in new namespaces, brings `lo` up, puts a fresh sysfs (with
 * the machine's cgroups) and an empty /run in place, and then waits on a pipe. dockerd and every command of a test
 * join its namespaces, so dockerd can be ended and started anew in the same ones, as on a host. What dockerd mounts is
 * seen there only, and goes when the last process in there has.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until, withDeadline } from './until.js';

export interface DockerdOptions {
  /** Further keys of its daemon.json, such as `{ 'userland-proxy-path': '/…/docker-proxy' }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Variables beside the tests' own; what dockerd starts inherits them. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RestartOptions extends DockerdOptions {
  /** How it is ended: SIGTERM, where not said, stops its containers first; after SIGKILL they run on. */
  readonly signal?: NodeJS.Signals;
}

export interface Dockerd {
  /** Its API's unix socket. */
  readonly socketPath: string;
  /** A folder that goes with it, for files of the test. */
  readonly folder: string;
  /** Its network namespace, as `netns:PATH` or `nsenter --net=PATH` take it. */
  readonly networkPath: string;
  /**
   * Runs the client, `docker('run', '-d', …)`, and gives what it printed without the last line end.
   *
   * @throws Error with the client's stderr, where it ends with other than 0
   */
  docker(...args: readonly string[]): Promise<string>;
  /** Runs a command to its end in dockerd's network, with everything else the machine's own, and gives its stdout. */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** The command line that runs a command in dockerd's network, for `spawn`: signals reach the command itself. */
  inside(command: string, ...args: readonly string[]): [command: string, args: string[]];
  /** Ends dockerd and starts it anew on the same data, with what the options change; done when it answers. */
  restart(options?: RestartOptions): Promise<void>;
  /** The command lines of all that runs in its namespaces but itself and its containers, such as its proxies. */
  processes(): ProcessLine[];
  /** What it has logged. */
  log(): string;
  /** Removes the containers, ends dockerd and whatever is left of it, and deletes its folder. */
  close(): Promise<void>;
}

export interface ProcessLine {
  readonly pid: number;
  readonly command: readonly string[];
}

/** The image that is there from the start: busybox with its applets, statically linked. */
export const busyboxImage = 'busybox';

const systemFolders = '/usr/sbin:/sbin:/usr/bin:/bin';
const searchPath = `${process.env['PATH'] ?? ''}:${systemFolders}`;
const programs = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  'docker-init': 'docker.io',
  containerd: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  busybox: 'busybox-static',
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  tar: 'tar',
} as const;

/** Why no dockerd can be started here, in words; undefined where one can. */
export function whyNoDockerd(): string | undefined {
  if (process.platform !== 'linux') return 'dockerd runs on Linux';
  const missing = Object.entries(programs).filter(([program]) => pathOf(program) === undefined);
  if (missing.length > 0)
    return `no ${missing.map(([program, debian]) => `${program} (${debian})`).join(', ')}`;
  try {
    execFileSync('unshare', ['--mount', '--net', 'true'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no right to make namespaces: dockerd needs root';
  }
}

function pathOf(program: string): string | undefined {
  return searchPath
    .split(':')
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** The mounts are private to the new namespace, since unshare makes them so. */
const holderScript = `
  ip link set lo up
  mkdir "$1/sys"
  mount -t sysfs sysfs "$1/sys"
  mount --rbind /sys/fs/cgroup "$1/sys/fs/cgroup"
  mount --rbind "$1/sys" /sys
  mount -t tmpfs tmpfs /run
  echo ready
  exec cat`;

const daemonConfig = {
  // No probing for better ones, and no mounts for a small image.
  'storage-driver': 'vfs',
  'exec-opts': ['native.cgroupdriver=cgroupfs'],
  // A shell as process 1 has no handler for SIGTERM: every stop would take the 10 s until it is killed.
  init: true,
};

/** Starts dockerd and imports the image; about 3 s. The caller closes it. */
export async function startDockerd(options: DockerdOptions = {}): Promise<Dockerd> {
  const dockerd = new RunningDockerd(mkdtempSync(join(tmpdir(), 'sluice-dockerd-')), options);
  try {
    await dockerd.hold();
    await dockerd.start();
    await dockerd.importImage();
    return dockerd;
  } catch (error) {
    await dockerd.close();
    throw error;
  }
}

class RunningDockerd implements Dockerd {
  readonly folder: string;
  readonly socketPath: string;
  readonly #logPath: string;
  #options: DockerdOptions;
  #holder: ChildProcess | undefined;
  #daemon: ChildProcess | undefined;
  #mountNamespace = '';

  constructor(folder: string, options: DockerdOptions) {
    this.folder = folder;
    this.socketPath = join(folder, 'docker.sock');
    this.#logPath = join(folder, 'dockerd.log');
    this.#options = options;
  }

  get networkPath(): string {
    return `/proc/${this.#holder?.pid}/ns/net`;
  }

  /** Ends by itself when this process does: its pipe closes. */
  async hold(): Promise<void> {
    const script = ['sh', '-ec', holderScript, 'sh', this.folder];
    const holder = spawn('unshare', ['--mount', '--net', ...script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: this.#env(),
    });
    this.#holder = holder;
    const ended = once(holder, 'exit').then(() => {
      throw new Error('the namespaces of dockerd could not be made');
    });
    await withDeadline(Promise.race([once(holder.stdout, 'data'), ended]), () => 'no namespaces for dockerd');
    ended.catch(() => undefined);
    this.#mountNamespace = readlinkSync(`/proc/${holder.pid}/ns/mnt`);
  }

  async start(): Promise<void> {
    const configPath = join(this.folder, 'daemon.json');
    writeFileSync(configPath, JSON.stringify({ ...daemonConfig, ...this.#options.config }));
    const target = ['--target', String(this.#holder?.pid), '--mount', '--net'];
    const args = [
      ...['--config-file', configPath, '--pidfile', join(this.folder, 'dockerd.pid')],
      ...['--data-root', join(this.folder, 'data'), '--exec-root', join(this.folder, 'exec')],
      ...['-H', `unix://${this.socketPath}`],
    ];
    const log = openSync(this.#logPath, 'a');
    const command = ['setpriv', '--pdeathsig', 'KILL', 'dockerd', ...args];
    const daemon = spawn('nsenter', [...target, ...command], {
      stdio: ['ignore', log, log],
      env: this.#env(),
    });
    this.#daemon = daemon;
    await until('dockerd to answer', () => {
      if (hasEnded(daemon)) throw new Error(`dockerd ended:\n${this.log().slice(-2000)}`);
      return answers(this.socketPath);
    });
  }

  async importImage(): Promise<void> {
    const busybox = pathOf('busybox') ?? 'busybox';
    const image = join(this.folder, 'image');
    mkdirSync(join(image, 'bin'), { recursive: true });
    copyFileSync(busybox, join(image, 'bin', 'busybox'));
    const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const applet of applets)
      if (applet !== 'busybox') symlinkSync('busybox', join(image, 'bin', applet));
    const archive = join(this.folder, 'image.tar');
    execFileSync('tar', ['-C', image, '-cf', archive, '.']);
    await this.docker('import', archive, busyboxImage);
  }

  docker(...args: readonly string[]): Promise<string> {
    return this.#output('docker', ['-H', `unix://${this.socketPath}`, ...args]);
  }

  run(command: string, ...args: readonly string[]): Promise<string> {
    return this.#output(...this.inside(command, ...args));
  }

  inside(command: string, ...args: readonly string[]): [command: string, args: string[]] {
    return ['nsenter', [`--net=${this.networkPath}`, '--', command, ...args]];
  }

  async restart({ signal = 'SIGTERM', ...options }: RestartOptions = {}): Promise<void> {
    this.#options = {
      config: { ...this.#options.config, ...options.config },
      env: { ...this.#options.env, ...options.env },
    };
    await this.#end(signal);
    // A daemon that was killed leaves its number and its containerd's: the next would wait for whoever has them by now.
    for (const file of ['dockerd.pid', 'exec/containerd/containerd.pid'])
      rmSync(join(this.folder, file), { force: true });
    await this.start();
  }

  processes(): ProcessLine[] {
    const own = [this.#holder?.pid, this.#daemon?.pid];
    return this.#pidsInside()
      .filter((pid) => !own.includes(pid))
      .map((pid) => ({ pid, command: readProc(pid, 'cmdline').split('\0').slice(0, -1) }))
      .filter(({ command }) => command.length > 0);
  }

  log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, 'utf8') : '';
  }

  async close(): Promise<void> {
    if (this.#daemon !== undefined && !hasEnded(this.#daemon)) {
      const containers = await this.docker('ps', '--all', '--quiet').catch(() => '');
      // A daemon too broken for this is killed with its containers below.
      if (containers !== '')
        await this.docker('rm', '--force', ...containers.split('\n')).catch(() => undefined);
      await this.#end('SIGTERM');
    }
    await this.#killTheRest();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#daemon === undefined || hasEnded(this.#daemon)) return;
    const gone = once(this.#daemon, 'exit');
    this.#daemon.kill(signal);
    await withDeadline(gone, () => `dockerd did not end:\n${this.log().slice(-2000)}`);
    // It dies with a dockerd that was killed, but a little later: a new dockerd would take it for one it can use.
    await until('its containerd to end', () =>
      this.processes().every(({ command }) => command[0] !== 'containerd'),
    );
  }

  /** Who is in the mount namespace, and their children: containers, which have namespaces of their own. */
  async #killTheRest(): Promise<void> {
    if (this.#mountNamespace === '') this.#holder?.kill('SIGKILL');
    await until('the processes of dockerd to end', () => {
      const inside = this.#pidsInside();
      for (const pid of [...inside, ...descendants(inside)]) kill(pid);
      return inside.length === 0;
    });
  }

  #pidsInside(): number[] {
    return allPids().filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/mnt`) === this.#mountNamespace;
      } catch {
        // It has ended, or is not ours to look at.
        return false;
      }
    });
  }

  #env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: searchPath,
      // Neither the user's contexts nor a daemon named in the environment.
      DOCKER_CONFIG: join(this.folder, 'client'),
      DOCKER_HOST: '',
      ...this.#options.env,
    };
  }

  async #output(command: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(command, [...args], {
      env: this.#env(),
      maxBuffer: 1 << 24,
    });
    return stdout.replace(/\n$/, '');
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping' }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function descendants(ancestors: readonly number[]): number[] {
  const found = new Set(ancestors);
  const parents = new Map(allPids().map((pid) => [pid, parentOf(pid)]));
  let before = 0;
  while (found.size > before) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** The fourth field of /proc/PID/stat; the second, a name in brackets, may have spaces (proc(5)). */
function parentOf(pid: number): number {
  return Number(readProc(pid, 'stat').split(') ').pop()?.split(' ')[1] ?? 0);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

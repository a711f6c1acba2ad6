/** A userland proxy as a child process, started as dockerd does it: a pipe on descriptor 3, maybe a socket on 4. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { TargetAddress } from '../../src/engine/engine.js';
import { RawSockets } from './raw-sockets.js';
import type { Scope } from './scope.js';
import type { ExitStatus } from './sluice-process.js';
import { recentlyFreePort } from './tcp-peers.js';
import { withDeadline } from './until.js';

/** From build/test/support. */
export const sluiceProxyPath = fileURLToPath(new URL('../../../bin/docker-proxy.js', import.meta.url));

/** dockerd's own, where it is installed. */
export const dockerProxyPath = ['/usr/sbin/docker-proxy', '/usr/bin/docker-proxy'].find((path) =>
  existsSync(path),
);

export interface ProxyOptions {
  /** What is on descriptor 4; nothing, where not said. */
  readonly listenDescriptor?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** A command line that ends by running what follows it, such as `['prlimit', '--nofile=64']`. */
  readonly under?: readonly string[];
}

export class ProxyProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<ExitStatus>;
  /** All that was said on descriptor 3, once its other end is closed. */
  readonly told: Promise<string>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess, told: Promise<string>) {
    this.child = child;
    this.told = told;
    this.exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  ended(): Promise<ExitStatus> {
    return withDeadline(this.exited, () => `the proxy did not end; stderr: ${this.stderr}`);
  }

  /** Its end after a signal: `exits 0`, or the signal that ended it. */
  async stop(signal: NodeJS.Signals): Promise<string> {
    this.child.kill(signal);
    const { code, signal: by } = await this.ended();
    return by ?? `exits ${code}`;
  }
}

/** Starts a proxy and waits for nothing. */
export function spawnProxy(
  scope: Scope,
  program: string,
  args: readonly string[],
  { listenDescriptor, env, under = [] }: ProxyOptions = {},
): ProxyProcess {
  const raw = new RawSockets(scope);
  const [readEnd, writeEnd] = raw.pipe();
  const [command = program, ...rest] = [...under, program, ...args];
  const child = spawn(command, rest, {
    stdio: [
      'ignore',
      'pipe',
      'pipe',
      writeEnd,
      ...(listenDescriptor === undefined ? [] : [listenDescriptor]),
    ],
    env: { ...process.env, ...env },
  });
  raw.close(writeEnd);
  scope.onEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  return new ProxyProcess(child, readPipe(scope, raw, readEnd));
}

/** The pipe's end is this process's to close, by the socket that reads it. */
async function readPipe(scope: Scope, raw: RawSockets, readEnd: number): Promise<string> {
  raw.disown(readEnd);
  const pipe = new Socket({ fd: readEnd, readable: true, writable: false });
  scope.onEnd(() => pipe.destroy());
  let text = '';
  pipe.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await withDeadline(once(pipe, 'end'), () => `the pipe stayed open, with ${JSON.stringify(text)}`);
  return text;
}

export interface Published {
  readonly protocol?: 'tcp' | 'udp';
  readonly hostIp?: string;
  readonly container: TargetAddress;
}

export function argumentsFor({ protocol = 'tcp', hostIp = '127.0.0.1', container }: Published, port: number) {
  if (container.kind !== 'ip') throw new Error('a container has an IP address');
  return [
    ...['-proto', protocol, '-host-ip', hostIp, '-host-port', String(port)],
    ...['-container-ip', container.ip.text, '-container-port', String(container.port)],
  ];
}

export interface ServingProxy extends ProxyProcess {
  readonly port: number;
}

/** Starts a proxy on a free port, and is done when it has said that it serves. */
export async function startProxy(
  scope: Scope,
  program: string,
  published: Published,
  options: ProxyOptions = {},
): Promise<ServingProxy> {
  const port = await recentlyFreePort(published.hostIp);
  const proxy = spawnProxy(scope, program, argumentsFor(published, port), options);
  const told = await proxy.told;
  if (told !== '0\n') throw new Error(`${program} said ${JSON.stringify(told)}; stderr: ${proxy.stderr}`);
  return Object.assign(proxy, { port });
}

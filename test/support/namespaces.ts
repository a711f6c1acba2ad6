/** Real network namespaces, made with `ip netns` under names of their own and deleted after the test. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Scope } from './scope.js';
import { withDeadline } from './until.js';

const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const env = { ...process.env, PATH: searchPath };
let made = 0;

/** Why no namespace can be made here, in words; undefined where one can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (!searchPath.split(':').some((folder) => existsSync(`${folder}/ip`))) return 'no ip (iproute2)';
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore', env });
    return undefined;
  } catch {
    return 'no right to make network namespaces: that needs root';
  }
}

export function ip(...args: readonly string[]): string {
  return execFileSync('ip', [...args], { encoding: 'utf8', env });
}

export interface NetworkNamespace {
  readonly name: string;
  /** As a target names it: /run/netns/NAME. */
  readonly path: string;
  ip(...args: readonly string[]): string;
  delete(): void;
  /** Makes it again, under the same name, with `lo` up. */
  create(): void;
}

/** A new namespace with `lo` up. */
export function networkNamespace(scope: Scope): NetworkNamespace {
  made += 1;
  const name = `sluice-test-${process.pid}-${made}`;
  const path = `/run/netns/${name}`;
  const inside = (...args: readonly string[]) => ip('-n', name, ...args);
  const create = () => {
    ip('netns', 'add', name);
    inside('link', 'set', 'lo', 'up');
  };
  create();
  const remove = () => {
    if (existsSync(path)) ip('netns', 'del', name);
  };
  scope.onEnd(remove);
  return { name, path, ip: inside, delete: remove, create };
}

/** Runs a command in a namespace to its end, and gives what it said. */
export function runIn({ path }: NetworkNamespace, command: string, ...args: readonly string[]): string {
  return execFileSync('nsenter', [`--net=${path}`, command, ...args], { encoding: 'utf8', env });
}

/** A process inside a namespace that says what it has to say a line at a time. */
export interface ProcessInside {
  readonly pid: number;
  /** The next line on its stdout. */
  line(): Promise<string>;
  /** Ends it; done when it has ended. */
  end(): Promise<void>;
}

/** Sends TCP and UDP back on one port, which it prints. At `reset!` it resets; a reset that it is sent it prints. */
const echoProgram = `
  import { createServer } from 'node:net';
  import { createSocket } from 'node:dgram';
  const [, host, port = '0'] = process.argv;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', ({ code }) => console.log(code));
    socket.on('data', (data) => {
      if (String(data) === 'reset!') socket.resetAndDestroy();
      else socket.write(data);
    });
    socket.on('end', () => socket.end());
  });
  server.listen(Number(port), host, () => {
    const { port } = server.address();
    const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    udp.on('message', (datagram, from) => udp.send(datagram, from.port, from.address));
    udp.bind(port, host, () => console.log(port));
  });`;

/** Sends a text and its FIN by TCP, or a datagram, and prints all that comes back, or the errno. */
const talkProgram = `
  import { connect } from 'node:net';
  import { createSocket } from 'node:dgram';
  const [, protocol, host, port, text] = process.argv;
  if (protocol === 'udp') {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (datagram) => { console.log(String(datagram)); socket.close(); });
    socket.send(text, Number(port), host);
  } else {
    let answer = '';
    const socket = connect({ host, port: Number(port), allowHalfOpen: true });
    socket.on('data', (data) => { answer += data; });
    socket.on('end', () => console.log(answer));
    socket.on('error', ({ code }) => console.log(code));
    socket.end(text);
  }`;

/**
 * Runs node in a namespace; its process is the one started here, so that its pid is known.
 *
 * @param namespace path of the namespace; undefined: one of its own, that ends with it
 */
function runInside(
  scope: Scope,
  namespace: string | undefined,
  program: string,
  ...programArgs: readonly string[]
): ProcessInside {
  const enter = namespace === undefined ? ['unshare', '--net'] : ['nsenter', `--net=${namespace}`];
  const setUp = 'ip link set lo up && exec "$0" "$@"';
  const node = [process.execPath, '--input-type=module', '-e', program, ...programArgs];
  const [command = '', ...args] = [...enter, 'sh', '-c', setUp, ...node];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await withDeadline(exited, () => 'a process in a namespace did not end');
  };
  scope.onEnd(end);
  return {
    pid: child.pid ?? -1,
    line: async () => {
      const next = await withDeadline(lines.next(), () => 'a process in a namespace said nothing');
      if (next.done === true) throw new Error('a process in a namespace ended without a word');
      return next.value;
    },
    end,
  };
}

/** A server inside a namespace, which listens by now. */
export async function echoInside(
  scope: Scope,
  namespace: string | undefined,
  host: string,
  wanted = 0,
): Promise<ProcessInside & { readonly port: number }> {
  const server = runInside(scope, namespace, echoProgram, host, String(wanted));
  return { ...server, port: Number(await server.line()) };
}

/** What a client inside a namespace is answered. */
export function talkInside(
  scope: Scope,
  namespace: string,
  protocol: 'tcp' | 'udp',
  { host, port, text }: { readonly host: string; readonly port: number; readonly text: string },
): Promise<string> {
  return runInside(scope, namespace, talkProgram, protocol, host, String(port), text).line();
}

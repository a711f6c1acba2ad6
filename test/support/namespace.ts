/** A network namespace of a test's own, joined to this one by a pair of interfaces. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Scope } from './scope.js';

export const canMakeNamespaces =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('ip', ['netns', 'list'], { stdio: 'ignore' }).status === 0;

export interface Namespace {
  /** What a command has in front to run there. */
  readonly enter: readonly string[];
  /** Its address, and this side's. */
  readonly inside: string;
  readonly outside: string;
}

let made = 0;

export function makeNamespace(scope: Scope): Namespace {
  made += 1;
  const name = `sluice-test-${process.pid}-${made}`;
  // Benchmarks' own range (RFC 2544), which is nobody's; names of interfaces have at most 15 letters.
  const net = `198.18.${process.pid % 256}`;
  const [inside, outside] = [`${net}.${4 * made + 2}`, `${net}.${4 * made + 1}`];
  const pair = `sl${process.pid.toString(36)}${made}`;
  const enter = ['ip', 'netns', 'exec', name];
  const commands = [
    ['ip', 'netns', 'add', name],
    ['ip', 'link', 'add', `${pair}o`, 'type', 'veth', 'peer', 'name', `${pair}i`, 'netns', name],
    ['ip', 'address', 'add', `${outside}/30`, 'dev', `${pair}o`],
    ['ip', 'link', 'set', `${pair}o`, 'up'],
    [...enter, 'ip', 'address', 'add', `${inside}/30`, 'dev', `${pair}i`],
    [...enter, 'ip', 'link', 'set', `${pair}i`, 'up'],
    [...enter, 'ip', 'link', 'set', 'lo', 'up'],
  ];
  // The pair goes with the namespace.
  scope.onEnd(() => execFileSync('ip', ['netns', 'delete', name]));
  for (const [command = '', ...values] of commands) execFileSync(command, values);
  return { enter, inside, outside };
}

/** Sets a kernel setting of the namespace, as /proc/sys names it. */
export function setInside({ enter }: Namespace, setting: string, value: string): void {
  const [command = '', ...values] = [...enter, 'sh', '-c', `echo "${value}" > /proc/sys/${setting}`];
  execFileSync(command, values);
}

/** A network namespace of a test's own, joined to this one by a pair of interfaces. */
import { execFileSync } from 'node:child_process';
import { ip, networkNamespace, whyNoNamespaces } from './namespaces.js';
import type { Scope } from './scope.js';

export const canMakeNamespaces = whyNoNamespaces() === undefined;

export interface Namespace {
  /** What a command has in front to run there. */
  readonly enter: readonly string[];
  readonly path: string;
  /** The interface that leads there. */
  readonly link: string;
  /** Its address, and this side's. */
  readonly inside: string;
  readonly outside: string;
}

let made = 0;

export function makeNamespace(scope: Scope): Namespace {
  made += 1;
  // Benchmarks' own range (RFC 2544), which is nobody's; names of interfaces have at most 15 letters.
  const net = `198.18.${process.pid % 256}`;
  const [inside, outside] = [`${net}.${4 * made + 2}`, `${net}.${4 * made + 1}`];
  const pair = `sl${process.pid.toString(36)}${made}`;
  // The pair goes with the namespace.
  const namespace = networkNamespace(scope);
  ip('link', 'add', `${pair}o`, 'type', 'veth', 'peer', 'name', `${pair}i`, 'netns', namespace.name);
  ip('address', 'add', `${outside}/30`, 'dev', `${pair}o`);
  ip('link', 'set', `${pair}o`, 'up');
  namespace.ip('address', 'add', `${inside}/30`, 'dev', `${pair}i`);
  namespace.ip('link', 'set', `${pair}i`, 'up');
  return {
    enter: ['ip', 'netns', 'exec', namespace.name],
    path: namespace.path,
    link: `${pair}o`,
    inside,
    outside,
  };
}

/** Sets a kernel setting of the namespace, as /proc/sys names it. */
export function setInside({ enter }: Namespace, setting: string, value: string): void {
  const [command = '', ...values] = [...enter, 'sh', '-c', `echo "${value}" > /proc/sys/${setting}`];
  execFileSync(command, values);
}

/**
 * Follows a network namespace: whether it is there, and whether it is still the same one.
 *
 * It has a path that stays the same for as long as it is followed, and that whoever works inside opens anew each time.
 * Docker tells of its containers; of the rest nothing tells that Node could wait for (a pidfd does, but only to poll), so
 * each namespace is looked at twice a second. It is told from the one before by the number that the kernel gave it. The
 * kernel gives that number again once a namespace has ended, but one that a socket of ours is in has not: where it
 * matters no change goes unseen.
 */
import { statSync } from 'node:fs';
import { errnoOf, messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { formatNamespace, type NamespaceSpec } from '../publish/target-spec.js';
import { NetworkNamespaces } from '../sys/network-namespace.js';
import { ProcessFolder } from './netns-process-folder.js';

export interface NamespaceEvents {
  /** What was there is no more; `there` is false now. Where it was replaced, `came` follows at once. */
  gone(): void;
  /** There is one, which is not the one that was there before. */
  came(): void;
  /** It may be about to end. */
  ending(): void;
  /** Something to tell the user, who may have to act; and that it is over. */
  trouble(message: string): void;
  recovered(message: string): void;
}

export interface FollowedNamespace {
  readonly path: string;
  readonly there: boolean;
  /** True once it can never come back: the process that it was named by has ended. */
  readonly lost: boolean;
  close(): void;
}

/**
 * Finds a namespace and follows it from now on.
 *
 * @throws SluiceError SLUICE_NAMESPACE_UNAVAILABLE where there is none, or where we may not enter it; of a container
 *   also where Docker knows none of that name or cannot be asked
 */
export async function followNamespace(
  spec: NamespaceSpec,
  events: NamespaceEvents,
): Promise<FollowedNamespace> {
  let follower: Follower | undefined;
  const source = await openSource(spec, events, (replaced) => follower?.look(replaced));
  try {
    tryEntering(source.path);
  } catch (error) {
    source.close();
    throw unavailable(spec, error);
  }
  follower = new Follower(source, events);
  return follower;
}

/** Where a namespace's path comes from. */
interface Source {
  readonly path: string;
  /** True where what has gone from there never comes back. */
  readonly onceOnly: boolean;
  close(): void;
}

class Follower implements FollowedNamespace {
  readonly #source: Source;
  readonly #events: NamespaceEvents;
  readonly #timer: NodeJS.Timeout;
  #number: number | undefined;

  constructor(source: Source, events: NamespaceEvents) {
    this.#source = source;
    this.#events = events;
    this.#number = namespaceNumber(source.path);
    this.#timer = setInterval(() => this.look(false), limits.namespaceLookMs);
    this.#timer.unref();
  }

  get path(): string {
    return this.#source.path;
  }

  get there(): boolean {
    return this.#number !== undefined;
  }

  get lost(): boolean {
    return this.#source.onceOnly && !this.there;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#source.close();
  }

  /** @param replaced it is known to be another one, whatever its number */
  look(replaced: boolean): void {
    const now = namespaceNumber(this.#source.path);
    if (now === this.#number && !replaced) return;
    if (this.there) {
      this.#number = undefined;
      if (this.lost) clearInterval(this.#timer);
      this.#events.gone();
    }
    if (now === undefined) return;
    this.#number = now;
    this.#events.came();
  }
}

/** The kernel's number of the namespace at a path; undefined where there is none. */
function namespaceNumber(path: string): number | undefined {
  const { dev: namespaceFiles } = statSync('/proc/self/ns/net');
  try {
    const { dev, ino } = statSync(path);
    // `ip netns add` makes a plain file first.
    return dev === namespaceFiles ? ino : undefined;
  } catch {
    // Gone, or not to be looked at any more: dials fail in the same way, and say with what.
    return undefined;
  }
}

async function openSource(
  spec: NamespaceSpec,
  events: NamespaceEvents,
  look: (replaced: boolean) => void,
): Promise<Source> {
  try {
    if (spec.kind === 'path') return { path: spec.path, onceOnly: false, close: () => undefined };
    if (spec.kind === 'pid') {
      const folder = new ProcessFolder(spec.pid);
      return { path: folder.namespacePath, onceOnly: true, close: () => folder.close() };
    }
    // Whoever names no container needs nothing of Docker's.
    const { followProcess } = await import('./netns-container.js');
    const process = await followProcess(spec.container, {
      ...events,
      replaced: () => look(true),
      ended: () => look(false),
    });
    return { path: process.path, onceOnly: false, close: () => process.close() };
  } catch (error) {
    throw error instanceof SluiceError ? error : unavailable(spec, error);
  }
}

/** Nothing but entering it says whether we may: that hangs on the users of both namespaces. */
function tryEntering(path: string): void {
  const namespaces = new NetworkNamespaces();
  try {
    namespaces.within(path, () => undefined);
  } finally {
    namespaces.close();
  }
}

const noRight =
  'permission denied: run sluice as root, or give node the right: setcap cap_sys_admin,cap_sys_ptrace+ep "$(which node)"';
const gone: Readonly<Record<NamespaceSpec['kind'], string>> = {
  path: 'no such file; ip netns list shows what is in /run/netns',
  pid: 'no such process',
  container: 'it has just ended',
};
const reasons: Readonly<Record<string, string>> = {
  EPERM: noRight,
  EACCES: noRight,
  EINVAL: 'it is no network namespace',
};

function unavailable(spec: NamespaceSpec, cause: unknown): SluiceError {
  const errno = errnoOf(cause) ?? '';
  const isGone = errno === 'ENOENT' || errno === 'ESRCH' || errno === 'ENOTDIR';
  const why = isGone ? gone[spec.kind] : (reasons[errno] ?? messageOf(cause));
  return new SluiceError(
    'SLUICE_NAMESPACE_UNAVAILABLE',
    `cannot enter netns:${formatNamespace(spec)}: ${why}`,
    { cause },
  );
}

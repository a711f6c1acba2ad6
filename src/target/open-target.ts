import { formatTarget, type TargetSpec } from '../publish/target-spec.js';
import type { Target, TargetEvents } from './target.js';

/**
 * Opens a target; done when its addresses are known, or when waiting longer for them would not help.
 *
 * @throws SluiceError where the target as it was asked for cannot be right; nothing of it is left open then
 */
export async function openTarget(spec: TargetSpec, events: TargetEvents): Promise<Target> {
  // Whoever leads to an address needs nothing of the DNS, of Docker or of system calls: it is loaded where it is asked for.
  if (spec.kind === 'dns') return (await import('./dns-target.js')).openDnsTarget(spec.name, events);
  if (spec.kind === 'name') return (await import('./name-target.js')).openNameTarget(spec.name, events);
  if (spec.kind === 'docker') return (await import('./docker-target.js')).openDockerTarget(spec, events);
  if (spec.kind === 'netns') return (await import('./netns-target.js')).openNetnsTarget(spec, events);
  const state = { hosts: [spec], settling: false };
  return { state: () => state, close: () => undefined };
}

/** Equal targets have equal keys, so that the ports of one mapping share a target. */
export function targetKey(spec: TargetSpec): string {
  const network = spec.kind === 'docker' ? (spec.network ?? '') : '';
  return `${spec.kind} ${formatTarget(spec)} ${network}`;
}

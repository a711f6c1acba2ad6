/** Network namespaces are entered by system calls: what needs them needs an engine that makes those. */
import { SluiceError } from '../errors.js';
import { formatListenNamespace } from '../publish/listen-namespace.js';
import type { Mapping } from '../publish/mapping.js';
import { formatTarget } from '../publish/target-spec.js';
import type { EngineKit } from './engine-kit.js';

/** @throws SluiceError SLUICE_NAMESPACE_UNAVAILABLE where a mapping needs what this engine cannot do */
export function refuseNamespaces(
  { name, fallback, entersNamespaces }: Pick<EngineKit, 'name' | 'fallback' | 'entersNamespaces'>,
  mappings: readonly Mapping[],
): void {
  if (entersNamespaces) return;
  for (const mapping of mappings) {
    const need = needOf(mapping);
    if (need === undefined) continue;
    const why = fallback === undefined ? `--engine ${name} was asked for` : `it cannot run here: ${fallback}`;
    throw new SluiceError('SLUICE_NAMESPACE_UNAVAILABLE', `${need} needs the splice engine, and ${why}`);
  }
}

function needOf(mapping: Mapping): string | undefined {
  if (mapping.target.kind === 'netns') return formatTarget(mapping.target);
  return mapping.in === undefined ? undefined : `listening inside ${formatListenNamespace(mapping.in)}`;
}

/** The namespace that a mapping listens in, where that is not sluice's own: `--in` and the mapping file's `in`. */
import { printable, SluiceError } from '../errors.js';
import { formatNamespace, type NamespaceSpec, namespaceAllowed, parseNamespace } from './target-spec.js';

export const listenNamespaceAllowed = `a container's name or id, or netns: with ${namespaceAllowed}`;

/**
 * Reads `web`, `netns:docker:web`, `netns:pid:4242` or `netns:/run/netns/blue`. A bare word is a container.
 *
 * @throws SluiceError SLUICE_BAD_TARGET
 */
export function parseListenNamespace(text: string): NamespaceSpec {
  const prefix = 'netns:';
  try {
    return parseNamespace(text.startsWith(prefix) ? text.slice(prefix.length) : `docker:${text}`);
  } catch (error) {
    const quoted = printable(JSON.stringify(text));
    throw new SluiceError(
      'SLUICE_BAD_TARGET',
      `invalid namespace ${quoted}: it must be ${listenNamespaceAllowed}`,
      { cause: error },
    );
  }
}

/** As it would be written: parsing it gives the same value. */
export function formatListenNamespace(namespace: NamespaceSpec): string {
  return namespace.kind === 'container' ? namespace.container : `netns:${formatNamespace(namespace)}`;
}

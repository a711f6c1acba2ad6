/** Mappings -> the JSON mapping file that publishes the same: the inverse of mapping-file.ts. */
import { formatDuration } from './duration.js';
import { formatListenNamespace } from './listen-namespace.js';
import { type FlowOptions, type Mapping, writePort } from './mapping.js';
import { namePattern } from './name.js';
import { formatTarget, targetName } from './target-spec.js';

type Value = string | number;

/** The key of each option in the mapping file, and how its value is written there. */
const optionKeys: { readonly [K in keyof FlowOptions]: readonly [string, (value: FlowOptions[K]) => Value] } =
  {
    connectTimeoutMs: ['connect_timeout', formatDuration],
    waitMs: ['wait', formatDuration],
    idleTimeoutMs: ['idle_timeout', (value) => formatDuration(value ?? 0)],
    udpTimeoutMs: ['udp_timeout', formatDuration],
    maxFlows: ['max_flows', (value) => value],
  };

/** A mapping's options as the mapping file has them. */
export function writeFlowOptions(options: FlowOptions): Record<string, Value> {
  const write = <K extends keyof FlowOptions>(option: K): [string, Value] => {
    const [key, format] = optionKeys[option];
    return [key, format(options[option])];
  };
  return Object.fromEntries((Object.keys(optionKeys) as (keyof FlowOptions)[]).map(write));
}

/** Where a mapping leads, and where it listens if not where sluice runs, as the mapping file has it. */
export function writePlaces(mapping: Pick<Mapping, 'in' | 'target'>): {
  to: string;
  network?: string;
  in?: string;
} {
  const { target, in: inside } = mapping;
  const network = target.kind === 'docker' ? target.network : undefined;
  return {
    to: formatTarget(target),
    ...(network === undefined ? {} : { network }),
    ...(inside === undefined ? {} : { in: formatListenNamespace(inside) }),
  };
}

/**
 * The text of a mapping file. Mappings that share name, target, namespace and options share an entry.
 *
 * @param name the instance's
 */
export function writeMappingFile(name: string, mappings: readonly Mapping[]): string {
  const entries = new Map<string, { head: object; options: object; name: string; ports: string[] }>();
  for (const mapping of mappings) {
    const head = writePlaces(mapping);
    const options = writeFlowOptions(mapping.options);
    const key = JSON.stringify([mapping.name, head, options]);
    const entry = entries.get(key) ?? { head, options, name: ownName(mapping), ports: [] };
    entry.ports.push(writePort(mapping));
    entries.set(key, entry);
  }
  const named = new Set<string>();
  const written = [...entries.values()].map((entry) => {
    // No two entries may have one name; the later one goes by its target's.
    const isNamed = entry.name !== '' && !named.has(entry.name);
    named.add(entry.name);
    return { ...(isNamed ? { name: entry.name } : {}), ...entry.head, ports: entry.ports, ...entry.options };
  });
  return `${JSON.stringify({ name, mappings: written }, null, 2)}\n`;
}

/** Empty where it is the one that the mapping would have anyway, or one that a mapping file cannot have. */
function ownName({ name, target }: Mapping): string {
  return name !== targetName(target) && namePattern.test(name) ? name : '';
}

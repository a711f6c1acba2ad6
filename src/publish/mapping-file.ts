/** The JSON mapping file: its text -> immutable Mapping values, or every fault in it at once. */
import { closestMatch } from 'leven';
import * as v from 'valibot';
import { messageOf, printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { findConflicts } from './conflicts.js';
import {
  formatPath,
  type JsonDocument,
  type JsonPath,
  readJson,
  type TextPosition,
} from './json-document.js';
import { defaultFlowOptions, expandSpec, type FlowOptions, formatHostSide, type Mapping } from './mapping.js';
import {
  knownKeysOf,
  type MappingEntry,
  mappingFileSchema,
  nameSchema,
  networkSchema,
  portSchema,
  targetSchema,
} from './mapping-file-schema.js';
import { formatPublishSpec, type PublishSpec } from './publish-spec.js';
import { onNetwork, type TargetSpec, targetName } from './target-spec.js';

export interface MappingFile {
  /** The name of the instance that publishes it, where the file gives one. */
  readonly name: string | undefined;
  readonly mappings: readonly Mapping[];
}

/** One thing wrong with a file: where, what stands there and what may. */
interface Fault {
  readonly path: JsonPath;
  readonly position: TextPosition;
  readonly message: string;
}

/**
 * Reads a mapping file.
 *
 * @param text the file's content
 * @param fileName what faults call the file
 * @throws SluiceError SLUICE_BAD_MAPPING_FILE, whose `faults` are lines of the form
 *   `edge.json:7:12: mappings[0].ports[1]: "80:0": invalid containerPort: 0; it must be …`
 */
export function parseMappingFile(text: string, fileName: string): MappingFile {
  const json = readJson(text);
  if (!json.ok) throw badFile(fileName, [{ path: [], position: json.position, message: json.message }]);
  const { document } = json;
  const parsed = v.safeParse(mappingFileSchema, document.value, { abortPipeEarly: true });
  const faults: Fault[] = document.repeatedKeys.map((key) => ({
    ...key,
    message: 'this key stands here twice',
  }));
  if (!parsed.success) faults.push(...parsed.issues.flatMap((issue) => faultsOf(issue, document)));
  const read = readEntries(
    parsed.success ? parsed.output.mappings : readableEntries(document.value),
    document,
  );
  faults.push(...read.faults);
  if (faults.length > 0) throw badFile(fileName, faults);
  return { name: parsed.success ? parsed.output.name : undefined, mappings: read.mappings };
}

/** An entry; where the file has faults, what can be read of it by itself. */
interface ReadableEntry extends Omit<MappingEntry, 'to' | 'ports'> {
  readonly to: TargetSpec | undefined;
  /** undefined: a port that is at fault, whose index the others' places need. */
  readonly ports: readonly (PublishSpec | undefined)[];
}

/** So that ports and names which stand twice are told along with the faults of the schema. */
function readableEntries(file: unknown): ReadableEntry[] {
  return listAt(file, 'mappings').map((entry) => ({
    name: readable(nameSchema, valueAt(entry, 'name')),
    to: readable(targetSchema, valueAt(entry, 'to')),
    network: readable(networkSchema, valueAt(entry, 'network')),
    ports: listAt(entry, 'ports').map((port) => readable(portSchema, port)),
  }));
}

function readable<T>(schema: v.BaseSchema<unknown, T, Issue>, value: unknown): T | undefined {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? parsed.output : undefined;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = valueAt(value, key);
  return Array.isArray(list) ? list : [];
}

function valueAt(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([own]) => own === key)?.[1];
}

/** Stands for a target that cannot be read, in a file of which nothing will be published. */
const unreadTarget: TargetSpec = { kind: 'dns', name: 'unread' };

function readEntries(
  entries: readonly ReadableEntry[],
  document: JsonDocument,
): { mappings: Mapping[]; faults: Fault[] } {
  const faults: Fault[] = [];
  const fault = (path: JsonPath, message: string) =>
    faults.push({ path, position: document.positionOf(path), message });
  const places = expandEntries(entries, fault);
  const mappings = [...places.keys()];
  for (const { mapping, holder } of findConflicts(mappings)) {
    const holderPlace = formatPath(places.get(holder) ?? []);
    const sides = `${formatHostSide(mapping)}/${mapping.protocol}`;
    fault(places.get(mapping) ?? [], `${sides}: port is already allocated, by ${holderPlace}`);
  }
  for (const { index, firstIndex, name } of repeatedNames(entries)) {
    fault(
      ['mappings', index, 'name'],
      `${JSON.stringify(name)}: this name is taken, by mappings[${firstIndex}]`,
    );
  }
  if (mappings.length > limits.publishedPorts) {
    fault(
      ['mappings'],
      `${mappings.length} ports are more than the ${limits.publishedPorts} of one instance`,
    );
  }
  return { mappings, faults };
}

/** The mappings of all entries, each with the place of the port that it comes from. */
function expandEntries(
  entries: readonly ReadableEntry[],
  fault: (path: JsonPath, message: string) => void,
): Map<Mapping, JsonPath> {
  const places = new Map<Mapping, JsonPath>();
  for (const [index, entry] of entries.entries()) {
    const target = targetOf(entry, (message) => fault(['mappings', index, 'network'], message));
    const base = { name: entry.name ?? targetName(target), target, options: flowOptionsOf(entry) };
    for (const [portIndex, spec] of entry.ports.entries()) {
      if (spec === undefined) continue;
      const place = ['mappings', index, 'ports', portIndex];
      try {
        for (const mapping of expandSpec(spec, base)) places.set(mapping, place);
      } catch (error) {
        fault(place, `${JSON.stringify(formatPublishSpec(spec))}: ${messageOf(error)}`);
      }
    }
  }
  return places;
}

function targetOf({ to, network }: ReadableEntry, fault: (message: string) => void): TargetSpec {
  if (to === undefined || network === undefined) return to ?? unreadTarget;
  try {
    return onNetwork(to, network);
  } catch (error) {
    fault(`${JSON.stringify(network)}: ${messageOf(error)}`);
    return unreadTarget;
  }
}

function flowOptionsOf(entry: ReadableEntry): FlowOptions {
  return {
    connectTimeoutMs: entry.connect_timeout ?? defaultFlowOptions.connectTimeoutMs,
    waitMs: entry.wait ?? defaultFlowOptions.waitMs,
    idleTimeoutMs: entry.idle_timeout === 0 ? undefined : entry.idle_timeout,
    udpTimeoutMs: entry.udp_timeout ?? defaultFlowOptions.udpTimeoutMs,
    maxFlows: entry.max_flows ?? defaultFlowOptions.maxFlows,
  };
}

function* repeatedNames(entries: readonly ReadableEntry[]) {
  const firstOf = new Map<string, number>();
  for (const [index, { name }] of entries.entries()) {
    if (name === undefined) continue;
    const firstIndex = firstOf.get(name);
    if (firstIndex === undefined) firstOf.set(name, index);
    else yield { index, firstIndex, name };
  }
}

type Issue = v.BaseIssue<unknown>;

function faultsOf(issue: Issue, document: JsonDocument, above: JsonPath = []): Fault[] {
  const path = [...above, ...pathOf(issue)];
  // A union's own words are for a value that is none of its kinds; where one kind was meant, its faults say more.
  const inside = (issue.issues ?? []).filter((nested) => isMeant(nested));
  if (inside.length > 0) return inside.flatMap((nested) => faultsOf(nested, document, path));
  return [{ path, position: document.positionOf(path), message: describe(issue, path) }];
}

/** True for a fault within a value of the right kind: our parser's, a key's, or that of a number out of range. */
function isMeant(issue: Issue): boolean {
  return issue.kind !== 'schema' || (issue.path?.length ?? 0) > 0;
}

function pathOf(issue: Issue): JsonPath {
  return (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
}

function describe(issue: Issue, path: JsonPath): string {
  const known = knownKeysOf(issue.message);
  if (known !== undefined) {
    const key = String(path.at(-1));
    const nearest = nearestKey(key, known);
    const hint = nearest === undefined ? '' : `, did you mean ${JSON.stringify(nearest)}?`;
    return `unknown key${hint} (known: ${known.join(', ')})`;
  }
  if (issue.message === 'missing') return `${JSON.stringify(path.at(-1))} is missing`;
  const value = excerpt(issue.input);
  return issue.type === 'raw_transform'
    ? `${value}: ${issue.message}`
    : `${value} is not allowed: it must be ${issue.message}`;
}

/** The known key that was meant, if any: a third of what was written may be wrong, and its case does not count. */
function nearestKey(key: string, known: readonly string[]): string | undefined {
  return closestMatch(key.toLowerCase(), known, { maxDistance: Math.ceil(key.length / 3) });
}

function excerpt(value: unknown): string {
  // JSON.stringify has no word for 1e999, which JSON.parse reads as Infinity.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function badFile(fileName: string, faults: readonly Fault[]): SluiceError {
  const inOrder = faults.toSorted(
    ({ position: a }, { position: b }) => a.line - b.line || a.column - b.column,
  );
  const lines = inOrder.slice(0, limits.faultsTold).map(({ path, position, message }) => {
    const place = path.length === 0 ? '' : ` ${formatPath(path)}:`;
    return printable(`${fileName}:${position.line}:${position.column}:${place} ${message}`);
  });
  if (faults.length > lines.length) lines.push(`${fileName}: and ${faults.length - lines.length} more`);
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return new SluiceError(
    'SLUICE_BAD_MAPPING_FILE',
    `${fileName} has ${count}: nothing is published from it`,
    {
      faults: lines,
    },
  );
}

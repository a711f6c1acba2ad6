/**
 * The mapping file's one schema, the source of its types, its validation and the JSON Schema that editors read.
 * Key names are Compose's. Each piece carries what it allows, in words: a fault shows them.
 */
import type { ConversionConfig } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { highestPort } from '../address/port.js';
import { messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { durationAllowed, durationPattern, parseDuration, parsePositiveDuration } from './duration.js';
import { listenNamespaceAllowed, parseListenNamespace } from './listen-namespace.js';
import { instanceNameAllowed, nameAllowed, namePattern } from './name.js';
import { protocols } from './protocol.js';
import { buildSpec, type PublishSpec, parsePublishSpec } from './publish-spec.js';
import { parseTarget, targetAllowed } from './target-spec.js';

const portsAllowed =
  'a publish spec such as "8080:80", "127.0.0.1:5353:53/udp" or "9000-9010:9000-9010", a port, ' +
  'or an object with "target" and, as you like, "published", "host_ip" and "protocol"';
const portAllowed = 'a port from 1 to 65535, or a range such as "8000-8010"';
const publishedAllowed = `${portAllowed}; "" or 0 is a free port`;
const flowsAllowed = `a whole number from 1 to ${limits.flowsMost}`;
const networkAllowed = 'the name of a Docker network that the container is on';
const hostIpAllowed = 'an IP address of this host; "" is every address';

/** Runs one of our parsers inside the schema: its error becomes a fault at this place. */
function parsedBy<Input, Output>(parse: (input: Input) => Output, allowed?: string) {
  return v.rawTransform<Input, Output>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      addIssue({ message: messageOf(error) + (allowed === undefined ? '' : `; it must be ${allowed}`) });
      return NEVER;
    }
  });
}

/**
 * An object that takes these keys only, and tells of every other one along with the faults of its values. valibot's
 * own closed object tells of the first alone, takes arrays, and passes over keys such as `constructor`.
 */
function closedObject<Entries extends v.ObjectEntries>(entries: Entries, allowed: string) {
  const closed = v.strictObject(entries);
  const shape = v.custom<Record<string, unknown>>(isPlainObject, allowed);
  const onlyKnownKeys = v.rawCheck<Record<string, unknown>>(({ dataset, addIssue }) => {
    const input = dataset.value as Record<string, unknown>;
    const message = unknownKeyMessage(Object.keys(entries));
    for (const key of Object.keys(input).filter((candidate) => !Object.hasOwn(entries, candidate))) {
      addIssue({ message, path: [{ type: 'object', origin: 'key', input, key, value: input[key] }] });
    }
  });
  const known = v.object(entries, 'missing');
  const run: (typeof closed)['~run'] = (dataset, config) => {
    const shaped = shape['~run'](dataset, config);
    if (!shaped.typed) return shaped;
    // Its values first, so that faults come in the order of the known keys; each is given the input as it stands.
    const read = known['~run']({ value: shaped.value }, config);
    const { issues } = onlyKnownKeys['~run']({ typed: true, value: shaped.value }, config);
    return issues === undefined
      ? read
      : { typed: false, value: read.value, issues: [...(read.issues ?? []), ...issues] };
  };
  return { ...closed, '~run': run };
}

function isPlainObject(input: unknown): boolean {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

const unknownKeyPrefix = 'unknown key; known: ';

function unknownKeyMessage(known: readonly string[]): string {
  return unknownKeyPrefix + known.join(', ');
}

/** The keys that were known where an unknown one stood, or undefined where the message tells of something else. */
export function knownKeysOf(message: string): string[] | undefined {
  return message.startsWith(unknownKeyPrefix)
    ? message.slice(unknownKeyPrefix.length).split(', ')
    : undefined;
}

export const nameSchema = v.pipe(v.string(nameAllowed), v.regex(namePattern, nameAllowed));

/** The description stands before the parser: a JSON Schema tells of what is written, not of what it becomes. */
function duration(description: string, parse = parseDuration) {
  return v.pipe(
    v.string(durationAllowed),
    v.regex(durationPattern, durationAllowed),
    v.description(description),
    parsedBy(parse),
  );
}

function portNumber(lowest: 0 | 1, allowed: string) {
  return v.pipe(
    v.number(allowed),
    v.integer(allowed),
    v.minValue(lowest, allowed),
    v.maxValue(highestPort, allowed),
  );
}

/** Docker's and Compose's protocols have any case; an editor offers the plain ones. */
function protocolInAnyCase() {
  const plain = v.picklist(protocols, 'one of "tcp" and "udp"');
  const run: (typeof plain)['~run'] = (dataset, config) => {
    const { value } = dataset;
    const protocol =
      typeof value === 'string' ? protocols.find((one) => one === value.toLowerCase()) : undefined;
    return plain['~run']({ value: protocol ?? value }, config);
  };
  return { ...plain, '~run': run };
}

const longPort = v.pipe(
  closedObject(
    {
      target: v.pipe(
        v.union([portNumber(1, portAllowed), v.string()], portAllowed),
        v.description(`The port at the target: ${portAllowed}.`),
      ),
      published: v.optional(
        v.pipe(
          v.union([portNumber(0, publishedAllowed), v.string()], publishedAllowed),
          v.description(`The port on this host: ${publishedAllowed}.`),
        ),
      ),
      host_ip: v.optional(v.pipe(v.string(hostIpAllowed), v.description(`The address: ${hostIpAllowed}.`))),
      protocol: v.optional(
        v.pipe(protocolInAnyCase(), v.description('The protocol; tcp where none is given.')),
      ),
    },
    portsAllowed,
  ),
  parsedBy(
    (port): PublishSpec =>
      buildSpec({
        hostIp: port.host_ip ?? '',
        hostPort: String(port.published ?? ''),
        containerPort: String(port.target),
        protocol: port.protocol ?? '',
      }),
    portsAllowed,
  ),
);

/** What stands in `ports`. */
export const portSchema = v.pipe(
  v.union(
    [
      v.pipe(v.string(), parsedBy(parsePublishSpec, portsAllowed)),
      v.pipe(
        portNumber(1, portAllowed),
        parsedBy((value) => parsePublishSpec(String(value)), portsAllowed),
      ),
      longPort,
    ],
    portsAllowed,
  ),
  v.description(`What to publish: ${portsAllowed}.`),
);

export const networkSchema = v.pipe(
  v.string(networkAllowed),
  v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, networkAllowed),
  v.description(`Which of a container's addresses is meant: ${networkAllowed}.`),
);

export const targetSchema = v.pipe(
  v.string(targetAllowed),
  v.description(`Where it leads: ${targetAllowed}.`),
  parsedBy(parseTarget),
);

export const inSchema = v.pipe(
  v.string(listenNamespaceAllowed),
  v.description(
    `The network namespace to listen in, where that is not sluice's own: ${listenNamespaceAllowed}.`,
  ),
  parsedBy(parseListenNamespace),
);

const mappingEntry = closedObject(
  {
    name: v.optional(v.pipe(nameSchema, v.description('What this mapping is called in logs and tables.'))),
    to: targetSchema,
    network: v.optional(networkSchema),
    in: v.optional(inSchema),
    ports: v.pipe(
      v.array(portSchema, 'a list of ports'),
      v.minLength(1, 'a list with at least one port'),
      v.description('The ports to publish, as docker run -p and Compose take them.'),
    ),
    connect_timeout: v.optional(
      duration('How long one dial to the target may take; 10s where none is given.', parsePositiveDuration),
    ),
    wait: v.optional(
      duration(
        'How long a new flow waits for a target that is absent; 10s where none is given, "0s": never.',
      ),
    ),
    idle_timeout: v.optional(
      duration('A TCP flow on which nothing moves for so long is reset; "0s", the default: never.'),
    ),
    udp_timeout: v.optional(
      duration(
        'How long a UDP association outlives its last datagram; 90s where none is given.',
        parsePositiveDuration,
      ),
    ),
    max_flows: v.optional(
      v.pipe(
        v.number(flowsAllowed),
        v.integer(flowsAllowed),
        v.minValue(1, flowsAllowed),
        v.maxValue(limits.flowsMost, flowsAllowed),
        v.description(`Flows at once on each listener; ${limits.flowsPerMapping} where none is given.`),
      ),
    ),
  },
  'an object with "to" and "ports"',
);

export const mappingFileSchema = v.pipe(
  closedObject(
    {
      $schema: v.optional(v.pipe(v.string('a URL or a path'), v.description('The schema editors read.'))),
      name: v.optional(
        v.pipe(
          nameSchema,
          v.maxLength(limits.instanceNameLength, instanceNameAllowed),
          v.description('The name of the instance that publishes this file.'),
        ),
      ),
      mappings: v.pipe(
        v.array(mappingEntry, 'a list of mappings'),
        v.minLength(1, 'a list with at least one mapping'),
        v.description('What to publish, a target each.'),
      ),
    },
    'an object with "mappings"',
  ),
  v.title('sluice mapping file'),
);

export type MappingEntry = v.InferOutput<typeof mappingEntry>;

/** How the schema is turned into a JSON Schema: for what is written in the file, and without our own parsers. */
export const jsonSchemaConfig: ConversionConfig = { typeMode: 'input', errorMode: 'ignore' };

/**
 * The mapping file's one schema, the source of its types, its validation and the JSON Schema that editors read.
 * Key names are Compose's. Each piece carries what it allows, in words: a fault shows them.
 */
import type { ConversionConfig } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { messageOf } from '../errors.js';
import { limits } from '../limits.js';
import { durationAllowed, durationPattern, parseDuration } from './duration.js';
import { protocols } from './protocol.js';
import { buildSpec, type PublishSpec, parsePublishSpec } from './publish-spec.js';
import { parseTarget, targetAllowed } from './target-spec.js';

/** Docker's own rule for a container's name. */
const nameAllowed = 'a name of letters, digits, "_", "." and "-", starting with a letter or digit';
const portsAllowed =
  'a publish spec such as "8080:80", "127.0.0.1:5353:53/udp" or "9000-9010:9000-9010", a port, ' +
  'or an object with "target" and, as you like, "published", "host_ip" and "protocol"';
const portAllowed = 'a port from 1 to 65535, or a range such as "8000-8010"';
const publishedAllowed = `${portAllowed}; "" is a free port`;
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

/** An object that takes these keys only, and tells of every other one. */
function closedObject<Entries extends v.ObjectEntries>(entries: Entries, allowed: string) {
  return v.pipe(
    v.looseObject(entries, (issue) => (issue.expected === 'Object' ? allowed : 'missing')),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      // A value of another kind has been refused; its characters or elements are no keys.
      if (typeof input !== 'object' || input === null || Array.isArray(input)) return;
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        const value = input[key];
        addIssue({
          message: unknownKeyMessage(Object.keys(entries)),
          path: [{ type: 'object', origin: 'key', input, key, value }],
        });
      }
    }),
  );
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

const name = v.pipe(v.string(nameAllowed), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, nameAllowed));

const duration = v.pipe(
  v.string(durationAllowed),
  v.regex(durationPattern, durationAllowed),
  parsedBy(parseDuration),
);

const positiveDuration = v.pipe(duration, v.minValue(1, `longer than 0: ${durationAllowed}`));

const portNumber = v.pipe(
  v.number(portAllowed),
  v.integer(portAllowed),
  v.minValue(1, portAllowed),
  v.maxValue(65_535, portAllowed),
);

const longPort = v.pipe(
  closedObject(
    {
      target: v.pipe(
        v.union([portNumber, v.string()], portAllowed),
        v.description(`The port at the target: ${portAllowed}.`),
      ),
      published: v.optional(
        v.pipe(
          v.union([portNumber, v.string()], publishedAllowed),
          v.description(`The port on this host: ${publishedAllowed}.`),
        ),
      ),
      host_ip: v.optional(v.pipe(v.string(hostIpAllowed), v.description(`The address: ${hostIpAllowed}.`))),
      protocol: v.optional(
        v.pipe(
          v.picklist(protocols, 'one of "tcp" and "udp"'),
          v.description('The protocol; tcp where none is given.'),
        ),
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

const port = v.pipe(
  v.union(
    [
      v.pipe(v.string(), parsedBy(parsePublishSpec, portsAllowed)),
      v.pipe(
        portNumber,
        parsedBy((value) => parsePublishSpec(String(value)), portsAllowed),
      ),
      longPort,
    ],
    portsAllowed,
  ),
  v.description(`What to publish: ${portsAllowed}.`),
);

const mappingEntry = closedObject(
  {
    name: v.optional(v.pipe(name, v.description('What this mapping is called in logs and tables.'))),
    to: v.pipe(
      v.string(targetAllowed),
      parsedBy(parseTarget),
      v.description(`Where it leads: ${targetAllowed}.`),
    ),
    ports: v.pipe(
      v.array(port, 'a list of ports'),
      v.minLength(1, 'a list with at least one port'),
      v.description('The ports to publish, as docker run -p and Compose take them.'),
    ),
    connect_timeout: v.optional(
      v.pipe(
        positiveDuration,
        v.description('How long one dial to the target may take; 10s where none is given.'),
      ),
    ),
    idle_timeout: v.optional(
      v.pipe(
        duration,
        v.description('A TCP flow on which nothing moves for so long is reset; "0s", the default: never.'),
      ),
    ),
    udp_timeout: v.optional(
      v.pipe(
        positiveDuration,
        v.description('How long a UDP association outlives its last datagram; 90s where none is given.'),
      ),
    ),
    max_flows: v.optional(
      v.pipe(
        v.number('a whole number, 1 or more'),
        v.integer('a whole number, 1 or more'),
        v.minValue(1, 'a whole number, 1 or more'),
        v.description(
          `Flows at once on each port; ${limits.flowsPerMapping.toLocaleString('en')} where none is given.`,
        ),
      ),
    ),
  },
  'an object with "to" and "ports"',
);

export const mappingFileSchema = v.pipe(
  closedObject(
    {
      $schema: v.optional(v.pipe(v.string('a URL or a path'), v.description('The schema editors read.'))),
      name: v.optional(v.pipe(name, v.description('The name of the instance that publishes this file.'))),
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

export type MappingFileValue = v.InferOutput<typeof mappingFileSchema>;
export type MappingEntry = v.InferOutput<typeof mappingEntry>;

/** How the schema is turned into a JSON Schema: our own checks go, closed objects are said to be closed. */
export const jsonSchemaConfig: ConversionConfig = {
  typeMode: 'input',
  errorMode: 'ignore',
  overrideAction: ({ valibotAction, jsonSchema }) =>
    valibotAction.type === 'raw_check' ? { ...jsonSchema, additionalProperties: false } : undefined,
};

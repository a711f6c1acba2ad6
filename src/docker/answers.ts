/** What the Engine API answers, parsed once into our own values; keys that are not needed are passed over. */
import * as v from 'valibot';
import { type IpAddress, parseIp } from '../address/ip.js';
import { highestPort } from '../address/port.js';
import { printable } from '../errors.js';
import { dockerProtocols } from '../publish/protocol.js';

/** A container, as Docker knows it at one moment. */
export interface Container {
  /** All 64 digits. */
  readonly id: string;
  readonly name: string;
  /** True while it has a process: a paused one too. */
  readonly running: boolean;
  /** Docker's word for its state: `running`, `exited`, `created`, … */
  readonly status: string;
  /** Of its first process, as the host counts; 0 where it does not run. */
  readonly pid: number;
  /** By Docker's clock, in ms since 1970; 0 where it has never run. */
  readonly startedAtMs: number;
  /** `bridge`, `host`, `none`, the name of a network, or `container:` and an id. */
  readonly networkMode: string;
  /** The first is the one that Docker itself takes for its default route. */
  readonly networks: readonly ContainerNetwork[];
  /** Whose network it is in: its own id, or that of the container it shares one with. */
  readonly networkOwner: string;
  /** What its image and its owner say it listens on, in order. */
  readonly exposedPorts: readonly ExposedPort[];
}

export interface ContainerNetwork {
  readonly name: string;
  readonly id: string;
  /** The highest is preferred for the default route; 0 where its owner gave none. */
  readonly priority: number;
  /** IPv4 before IPv6. */
  readonly addresses: readonly IpAddress[];
}

export interface ExposedPort {
  readonly port: number;
  readonly protocol: (typeof dockerProtocols)[number];
}

/** Something that happened to a container. */
export interface ContainerEvent {
  /** `start`, `die`, `kill`, `rename`, `connect` or `disconnect`. */
  readonly action: string;
  readonly containerId: string;
  /** The container's name, and the one it had before a rename; empty where the event does not say. */
  readonly names: readonly string[];
  /** By Docker's clock, in ms since 1970. */
  readonly atMs: number;
}

/** Go writes null for an empty map. */
const mapOf = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.optional(v.nullable(v.record(v.string(), schema)), null);
const text = v.pipe(v.optional(v.string(), ''), v.transform(printable));

const networkSchema = v.nullable(
  v.object({
    NetworkID: text,
    IPAddress: text,
    GlobalIPv6Address: text,
    /** Since API 1.48. */
    GwPriority: v.optional(v.number(), 0),
  }),
);
type NetworkAnswer = NonNullable<v.InferOutput<typeof networkSchema>>;

export const containerSchema = v.pipe(
  v.object({
    Id: v.string(),
    Name: v.string(),
    State: v.object({ Running: v.boolean(), Status: text, Pid: v.number(), StartedAt: text }),
    Config: v.object({ ExposedPorts: mapOf(v.unknown()) }),
    HostConfig: v.object({ NetworkMode: text }),
    NetworkSettings: v.object({ Networks: mapOf(networkSchema) }),
  }),
  v.transform(
    ({ Id, Name, State, Config, HostConfig, NetworkSettings }): Container => ({
      id: Id,
      name: withoutSlash(Name),
      running: State.Running,
      status: State.Status,
      pid: State.Pid,
      startedAtMs: Math.max(0, Date.parse(State.StartedAt) || 0),
      networkMode: HostConfig.NetworkMode,
      networks: networksOf(NetworkSettings.Networks ?? {}),
      networkOwner: Id,
      exposedPorts: exposedPortsOf(Object.keys(Config.ExposedPorts ?? {})),
    }),
  ),
);

/** The names of all containers. */
export const containerListSchema = v.pipe(
  v.array(v.object({ Names: v.optional(v.nullable(v.array(v.string())), null) })),
  v.transform((containers) => containers.flatMap(({ Names }) => (Names ?? []).slice(0, 1).map(withoutSlash))),
);

/** The ids of the networks that have no way out. */
export const internalNetworksSchema = v.pipe(
  v.array(v.object({ Id: v.string(), Internal: v.optional(v.boolean(), false) })),
  v.transform((networks) => new Set(networks.filter(({ Internal }) => Internal).map(({ Id }) => Id))),
);

export const eventSchema = v.pipe(
  v.object({
    Type: v.string(),
    Action: v.string(),
    Actor: v.object({ ID: v.string(), Attributes: mapOf(v.string()) }),
    timeNano: v.number(),
  }),
  v.transform(({ Type, Action, Actor, timeNano }): ContainerEvent => {
    const attributes = Actor.Attributes ?? {};
    const names = [attributes['name'], attributes['oldName']].filter((name) => name !== undefined);
    // In an event of a network the name is the network's.
    const isNetwork = Type === 'network';
    return {
      action: Action,
      containerId: isNetwork ? (attributes['container'] ?? '') : Actor.ID,
      names: isNetwork ? [] : names.map(withoutSlash),
      atMs: timeNano / 1e6,
    };
  }),
);

export const errorSchema = v.object({ message: v.string() });

function withoutSlash(name: string): string {
  return printable(name.replace(/^\//, ''));
}

function networksOf(networks: Readonly<Record<string, NetworkAnswer | null>>): ContainerNetwork[] {
  return Object.entries(networks).flatMap(([name, network]) =>
    network === null
      ? []
      : {
          name: printable(name),
          id: network.NetworkID,
          priority: network.GwPriority,
          addresses: [network.IPAddress, network.GlobalIPv6Address].flatMap((text) => parseIp(text) ?? []),
        },
  );
}

/**
 * In the order in which Docker prefers a container's networks for its default route: by the priority that its owner gave,
 * internal ones last, then by name (moby libnetwork, `Less` of an endpoint; it was looked at in containers, too).
 *
 * @param internal the ids of the networks that have no way out
 */
export function inDockersOrder(
  networks: readonly ContainerNetwork[],
  internal: ReadonlySet<string>,
): ContainerNetwork[] {
  return networks.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      Number(internal.has(a.id)) - Number(internal.has(b.id)) ||
      (a.name < b.name ? -1 : 1),
  );
}

/** `80/tcp`, in order of port and protocol. */
function exposedPortsOf(keys: readonly string[]): ExposedPort[] {
  const ports = keys.flatMap((key) => {
    const [number = '', word = 'tcp'] = key.split('/');
    const port = /^\d+$/.test(number) ? Number(number) : 0;
    const protocol = dockerProtocols.find((one) => one === word.toLowerCase());
    return protocol === undefined || port < 1 || port > highestPort ? [] : [{ port, protocol }];
  });
  return ports.sort((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1));
}

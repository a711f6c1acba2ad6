/**
 * One running sluice: mappings, their listeners, the targets they lead to and the engine that forwards between them.
 *
 * Start: every listener is bound, then the targets are opened, or the start fails with nothing bound; then the
 * engine serves every listener. From there on a fault never ends the instance. What is published later goes the same
 * way, and what is unpublished drains, without others noticing.
 *
 * Who owns what: the instance owns targets and the engine; the engine owns each listener from `serve` on.
 */
import type { Logger } from 'pino';
import { type Endpoint, formatEndpoint } from '../address/endpoint.js';
import { isWildcard } from '../address/ip.js';
import type { Engine, FlowEnd, Listener, Route } from '../engine/engine.js';
import { messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { type BoundMapping, bindAll, oneError } from '../listener/bind-all.js';
import type { Binder } from '../listener/binder.js';
import { accessRecord } from '../log/access-record.js';
import { findConflicts, listenAddresses } from '../publish/conflicts.js';
import { formatHostSide, formatInside, formatTargetPort, type Mapping } from '../publish/mapping.js';
import type { PublishSpec } from '../publish/publish-spec.js';
import { targetKey } from '../target/open-target.js';
import type { TargetHost } from '../target/target.js';
import { AccessHistory } from './access-history.js';
import { flowsWithinDescriptors } from './descriptor-limit.js';
import type { EngineKit } from './engine-kit.js';
import type { InsideListener } from './listen-namespace.js';
import { ListenNamespaces } from './listen-namespaces.js';
import { refuseNamespaces } from './namespace-needs.js';
import type { InstancePicture } from './picture.js';
import { Published, type PublishedService } from './published.js';
import { addressesOf, routeOf } from './route-of.js';
import { selectPublished } from './select-published.js';
import { SharedTargets } from './shared-targets.js';

export interface InstanceOptions<L extends Listener> {
  readonly mappings: readonly Mapping[];
  readonly kit: EngineKit<L>;
  readonly log: Logger;
  /** False: the end of a flow is counted but not logged. */
  readonly accessLog: boolean;
}

/** One listener of a mapping that is being served. */
export interface PublishedPort {
  readonly mapping: Mapping;
  readonly endpoint: Endpoint;
}

export interface Unpublished {
  readonly ports: readonly PublishedPort[];
  /** Flows that have the grace to finish. */
  readonly flows: number;
}

export interface Instance {
  /** In the mappings' order, IPv4 before IPv6. */
  readonly published: readonly PublishedPort[];
  /** True from the first moment of the end on. */
  readonly stopping: boolean;
  /** undefined: flow ends are not told of, so there is nothing to keep. */
  readonly history: AccessHistory | undefined;
  /** All that is known, at this moment. */
  picture(): InstancePicture;
  /**
   * Publishes more, all or nothing.
   *
   * @throws SluiceError where a port cannot be had, a target is refused, or the instance is stopping
   */
  publish(mappings: readonly Mapping[]): Promise<readonly PublishedPort[]>;
  /**
   * Frees ports, all that are asked for or none; their flows in progress may finish for at most `graceMs`. A TCP port is
   * free at once, a UDP port when its last client has been quiet for `limits.udpDrainQuietMs`, since replies leave from it.
   *
   * @throws SluiceError SLUICE_NOT_PUBLISHED where a spec means no mapping, or several
   */
  unpublish(specs: readonly PublishSpec[], graceMs: number): Unpublished;
  /**
   * Stops taking new flows, frees the ports, and lets the flows in progress finish for at most `graceMs`; what is
   * left then is reset.
   *
   * @returns how many flows had to be reset
   */
  drain(graceMs: number): Promise<number>;
  /** Ends everything at once; a drain in progress ends with it. */
  close(): Promise<void>;
}

/** @throws SluiceError where a port cannot be had or a target is refused; nothing is left bound then */
export async function startInstance<L extends Listener>(options: InstanceOptions<L>): Promise<Instance> {
  refuseNamespaces(options.kit, options.mappings);
  return new RunningInstance(options).start(options.mappings);
}

class RunningInstance<L extends Listener> implements Instance {
  readonly history: AccessHistory | undefined;
  readonly #log: Logger;
  readonly #engine: Engine<L>;
  readonly #kit: EngineKit<L>;
  readonly #binder: Binder<L>;
  readonly #targets = new SharedTargets({
    changed: (key) => this.#reroute(key),
    gone: (key, hosts) => this.#gone(key, hosts),
    trouble: (message) => this.#log.warn(message),
    recovered: (message) => this.#log.info(message),
  });
  /** Those that mappings listen in, beside our own. */
  readonly #namespaces: ListenNamespaces<L>;
  /** In the order they were published; those that drain among them. */
  readonly #published = new Set<Published>();
  /** By the service number that flow ends carry, until the last of them has come. */
  readonly #byService = new Map<number, { readonly published: Published; readonly endpoint: Endpoint }>();
  #nextService = 0;
  /** Mappings that are being published. */
  #underWay = 0;
  #stopping = false;
  readonly #startedMs = Date.now();

  /** The engine is made first: it gets ready while the listeners are bound. */
  constructor({ mappings, kit, log, accessLog }: InstanceOptions<L>) {
    this.#log = log;
    this.#binder = kit.binder;
    this.#kit = kit;
    this.#namespaces = new ListenNamespaces(kit.binder, log, () => this.#listenersInside());
    this.history = accessLog ? new AccessHistory() : undefined;
    const mostListeners = mappings.reduce((sum, { hostIp }) => sum + listenAddresses(hostIp).length, 0);
    this.#engine = kit.create({
      maxFlows: flowsWithinDescriptors(mostListeners),
      onTrouble: (message) => this.#log.warn(message),
      onGrowth: (message) => this.#log.info(message),
      onFlowEnds: accessLog ? (ends) => this.#takeEnds(ends) : undefined,
    });
  }

  get published(): readonly PublishedPort[] {
    return [...this.#published].filter(({ draining }) => !draining).flatMap(portsOf);
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  picture(): InstancePicture {
    return {
      engine: this.#engine.name,
      fallback: this.#kit.fallback,
      startedMs: this.#startedMs,
      stopping: this.#stopping,
      accessLog: this.history !== undefined,
      targets: this.#targets.list(),
      published: [...this.#published].map((published) => ({
        mapping: published.mapping,
        bound: published.bound,
        endpoints: published.services.map(({ endpoint }) => endpoint),
        atRunTime: published.atRunTime,
        draining: published.draining,
        counters: published.counters(),
        ends: this.history === undefined ? undefined : published.ends(),
      })),
    };
  }

  async start(mappings: readonly Mapping[]): Promise<this> {
    try {
      await this.#bindAndServe(mappings, false);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#tellEngine();
    this.#tellShortcomings(mappings);
    return this;
  }

  async publish(mappings: readonly Mapping[]): Promise<readonly PublishedPort[]> {
    this.#refuseStopping();
    this.#refuseTooMany(mappings.length);
    this.#refuseTaken(mappings);
    refuseNamespaces(this.#kit, mappings);
    this.#underWay += mappings.length;
    try {
      const published = await this.#bindAndServe(mappings, true);
      const ports = published.flatMap(portsOf);
      for (const { mapping, endpoint } of ports) {
        this.#log.info(
          { mapping: mapping.name },
          `published ${formatTargetPort(mapping)} -> ${formatEndpoint(endpoint)}`,
        );
      }
      return ports;
    } finally {
      this.#underWay -= mappings.length;
      this.#releaseNamespaces();
    }
  }

  unpublish(specs: readonly PublishSpec[], graceMs: number): Unpublished {
    this.#refuseStopping();
    const serving = [...this.#published].filter(({ draining }) => !draining);
    const selected = [...selectPublished(serving, specs)];
    const flows = selected.reduce((sum, published) => sum + published.flowCount(), 0);
    for (const published of selected) {
      this.#retire(published, graceMs).catch((error: unknown) => this.#log.error(messageOf(error)));
    }
    return { ports: selected.flatMap(portsOf), flows };
  }

  async drain(graceMs: number): Promise<number> {
    this.#stopping = true;
    this.#namespaces.closeAll();
    const resets = await Promise.all([...this.#published].map((published) => published.drain(graceMs)));
    await this.close();
    return resets.reduce((sum, reset) => sum + reset, 0);
  }

  async close(): Promise<void> {
    this.#stopping = true;
    this.#namespaces.closeAll();
    await Promise.all([...this.#published].map((published) => published.close()));
    // Only now: a flow that was still being dialled may need what a target holds.
    this.#targets.closeAll();
    await this.#engine.close();
    this.history?.close();
  }

  async #bindAndServe(mappings: readonly Mapping[], atRunTime: boolean): Promise<Published[]> {
    await this.#namespaces.open(mappings);
    const timesEnded = this.#namespaces.timesEnded();
    const bound = await bindAll(this.#binder, mappings, (mapping) => this.#namespaces.pathOf(mapping));
    const published = await this.#serveAll(bound, atRunTime);
    this.#namespaces.served(timesEnded);
    return published;
  }

  /** Opens the targets of bound mappings and serves them, or closes their listeners. */
  async #serveAll(bound: readonly BoundMapping<L>[], atRunTime: boolean): Promise<Published[]> {
    const specs = bound.map(({ mapping }) => mapping.target);
    try {
      await this.#targets.acquire(specs);
      this.#refuseStopping();
    } catch (error) {
      this.#targets.release(specs);
      await Promise.all(bound.flatMap(({ listeners }) => listeners.map((listener) => listener.close())));
      throw error;
    }
    return bound.map(({ mapping, listeners }) => this.#serve(mapping, listeners, atRunTime));
  }

  #serve(mapping: Mapping, listeners: readonly L[], atRunTime: boolean): Published {
    const route = this.#routeOf(mapping);
    const services = listeners.map((listener) => this.#serveOne(listener, route));
    const published = new Published(mapping, services, atRunTime);
    this.#published.add(published);
    for (const { number, endpoint } of services) this.#byService.set(number, { published, endpoint });
    return published;
  }

  #serveOne(listener: L, route: Route): PublishedService {
    const number = this.#nextService++;
    return { endpoint: listener.endpoint, service: this.#engine.serve(listener, route, number), number };
  }

  #listenersInside(): InsideListener<L>[] {
    return [...this.#published].flatMap((published) =>
      published.services.map((service) => ({
        service,
        mapping: published.mapping,
        wanted: () => !published.draining,
        serve: (listener: L) => {
          const next = this.#serveOne(listener, this.#routeOf(published.mapping));
          published.replace(service, next);
          this.#byService.delete(service.number);
          this.#byService.set(next.number, { published, endpoint: next.endpoint });
        },
      })),
    );
  }

  /** Those that nothing listens in any more, nor is about to. */
  #releaseNamespaces(): void {
    if (this.#underWay > 0) return;
    this.#namespaces.keep([...this.#published].map(({ mapping }) => mapping));
  }

  /** Forgets a mapping once its flows have ended. */
  async #retire(published: Published, graceMs: number): Promise<void> {
    const { mapping, services } = published;
    this.#log.info({ mapping: mapping.name }, `unpublished ${formatTargetPort(mapping)}`);
    const reset = await published.drain(graceMs);
    if (reset > 0) {
      this.#log.warn(
        { mapping: mapping.name, flows: reset },
        `the drain timeout ended: ${reset} flows were reset`,
      );
    }
    // An engine may tell of the last ends in the turn after.
    await new Promise((resolve) => setImmediate(resolve));
    this.#published.delete(published);
    for (const { number } of services) this.#byService.delete(number);
    this.#targets.release([mapping.target]);
    this.#releaseNamespaces();
  }

  #refuseStopping(): void {
    if (this.#stopping)
      throw new SluiceError('SLUICE_STOPPING', 'it is stopping: nothing can be changed any more');
  }

  #refuseTooMany(count: number): void {
    const all = this.#published.size + this.#underWay + count;
    if (all <= limits.publishedPorts) return;
    throw new SluiceError(
      'SLUICE_USAGE',
      `${all} ports are more than the ${limits.publishedPorts} of one instance`,
    );
  }

  /** The system would refuse these too, but could not say who has the port. */
  #refuseTaken(mappings: readonly Mapping[]): void {
    const holders = new Map(
      [...this.#published].filter(holdsPort).map((published) => [published.bound, published]),
    );
    const failures = findConflicts([...holders.keys(), ...mappings]).flatMap(({ mapping, holder }) => {
      const published = holders.get(holder);
      if (published === undefined || holders.has(mapping)) return [];
      const what = `${formatTargetPort(holder)} of ${holder.name}`;
      const by = published.draining ? `${what}, whose last clients are being waited for` : what;
      return new SluiceError(
        'SLUICE_PORT_ALLOCATED',
        `Bind for ${formatHostSide(mapping)}${formatInside(mapping)} failed: port is already allocated (by ${by}, in this instance)`,
      );
    });
    if (failures.length > 0) throw oneError(failures);
  }

  /** Flows in progress stay where they are; new ones go to the target's new addresses. */
  #reroute(key: string): void {
    for (const published of this.#published) {
      if (targetKey(published.mapping.target) === key) published.setRoute(this.#routeOf(published.mapping));
    }
  }

  /** The new route goes first: it is where what was only being dialled goes instead. */
  #gone(key: string, hosts: readonly TargetHost[]): void {
    this.#reroute(key);
    for (const published of this.#published) {
      if (targetKey(published.mapping.target) === key) {
        published.endFlowsTo(addressesOf(published.mapping, hosts));
      }
    }
  }

  #routeOf(mapping: Mapping): Route {
    return routeOf(mapping, this.#targets.stateOf(mapping.target));
  }

  #tellEngine(): void {
    const { name } = this.#engine;
    const { fallback } = this.#kit;
    const why = fallback === undefined ? '' : `, not splice: ${fallback}`;
    this.#log.info({ engine: name }, `forwarding with the ${name} engine${why}`);
  }

  #tellShortcomings(mappings: readonly Mapping[]): void {
    const wildcardUdp = mappings.some(
      ({ protocol, hostIp }) => protocol === 'udp' && (hostIp === undefined || isWildcard(hostIp)),
    );
    if (wildcardUdp) for (const shortcoming of this.#engine.shortcomings) this.#log.info(shortcoming);
  }

  #takeEnds(ends: readonly FlowEnd[]): void {
    const nowMs = Date.now();
    for (const end of ends) {
      const served = this.#byService.get(end.service);
      if (served === undefined) continue;
      const record = accessRecord(end, served.published.mapping.name, served.endpoint);
      this.#log.info(record, 'flow ended');
      served.published.countEnd(end);
      this.history?.add(record, nowMs);
    }
    this.history?.tellFollowers();
  }
}

function portsOf({ mapping, services }: Published): PublishedPort[] {
  return services.map(({ endpoint }) => ({ mapping, endpoint }));
}

/** A TCP port is free as soon as its mapping drains; over a UDP one replies still go out. */
function holdsPort({ mapping, draining }: Published): boolean {
  return !draining || mapping.protocol === 'udp';
}

/**
 * One running sluice: mappings, their listeners, the targets they lead to and the engine that forwards between them.
 *
 * Start: every listener is bound, then the targets are opened, or the start fails with nothing bound; then the
 * engine serves every listener. From there on a fault never ends the instance.
 *
 * Who owns what: the instance owns targets and the engine; the engine owns each listener from `serve` on.
 */
import type { Logger } from 'pino';
import type { Endpoint } from '../address/endpoint.js';
import { isWildcard } from '../address/ip.js';
import type { Engine, FlowEnd, Listener, Route, Service, TargetAddress } from '../engine/engine.js';
import { limits } from '../limits.js';
import { type BoundMapping, bindAll } from '../listener/bind-all.js';
import type { Binder } from '../listener/binder.js';
import { accessRecord } from '../log/access-record.js';
import { listenAddresses } from '../publish/conflicts.js';
import { type FlowOptions, formatInside, type Mapping } from '../publish/mapping.js';
import { openTarget, targetKey } from '../target/open-target.js';
import type { Target, TargetHost, TargetState } from '../target/target.js';
import { flowsWithinDescriptors } from './descriptor-limit.js';
import type { EngineKit } from './engine-kit.js';
import { type InsideListener, type ListenNamespace, openListenNamespace } from './listen-namespace.js';
import { refuseNamespaces } from './namespace-needs.js';

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

export interface Instance {
  /** In the mappings' order, IPv4 before IPv6. */
  readonly published: readonly PublishedPort[];
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
  return new RunningInstance(options).start();
}

/** A published port; one inside another namespace has no service while that is gone. */
type Served = InsideListener;

/** What is known of a target until it is open. */
const unknown: TargetState = { hosts: [], settling: true };

class RunningInstance<L extends Listener> implements Instance {
  readonly #log: Logger;
  readonly #engine: Engine<L>;
  readonly #fallback: string | undefined;
  readonly #binder: Binder<L>;
  readonly #mappings: readonly Mapping[];
  readonly #targets = new Map<string, Target>();
  /** Those that mappings listen in, beside our own. */
  readonly #namespaces = new Map<string, ListenNamespace<L>>();
  /** By the service number that flow ends carry. */
  readonly #served: Served[] = [];

  /** The engine is made first: it gets ready while the listeners are bound. */
  constructor({ mappings, kit, log, accessLog }: InstanceOptions<L>) {
    this.#log = log;
    this.#mappings = mappings;
    this.#binder = kit.binder;
    this.#fallback = kit.fallback;
    const mostListeners = mappings.reduce((sum, { hostIp }) => sum + listenAddresses(hostIp).length, 0);
    this.#engine = kit.create({
      maxFlows: flowsWithinDescriptors(mostListeners),
      onTrouble: (message) => this.#log.warn(message),
      onFlowEnds: accessLog ? (ends) => this.#logEnds(ends) : undefined,
    });
  }

  get published(): readonly PublishedPort[] {
    return this.#served;
  }

  async start(): Promise<this> {
    const bound = await this.#bind();
    this.#tellEngine();
    try {
      await this.#openTargets();
    } catch (error) {
      await Promise.all(bound.flatMap(({ listeners }) => listeners.map((listener) => listener.close())));
      await this.close();
      throw error;
    }
    for (const { mapping, listeners } of bound) {
      for (const listener of listeners) {
        const { endpoint } = listener;
        const served: Served = { mapping, endpoint, number: this.#served.length, service: undefined };
        this.#served.push(served);
        served.service = this.#serve(listener, served);
      }
    }
    for (const namespace of this.#namespaces.values()) namespace.serving();
    this.#tellShortcomings();
    return this;
  }

  #serve(listener: L, served: Served): Service {
    return this.#engine.serve(listener, this.#routeOf(served.mapping), served.number);
  }

  async #bind(): Promise<readonly BoundMapping<L>[]> {
    try {
      await this.#openNamespaces();
      return await bindAll(this.#binder, this.#mappings, (mapping) => this.#namespaceOf(mapping)?.path);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async #openNamespaces(): Promise<void> {
    for (const mapping of this.#mappings) {
      const { in: spec } = mapping;
      if (spec === undefined || this.#namespaceOf(mapping) !== undefined) continue;
      const namespace: ListenNamespace<L> = await openListenNamespace(spec, {
        binder: this.#binder,
        log: this.#log,
        listeners: () => this.#served.filter((served) => this.#namespaceOf(served.mapping) === namespace),
        serve: (listener, served) => this.#serve(listener, served),
      });
      this.#namespaces.set(formatInside(mapping), namespace);
    }
  }

  #namespaceOf(mapping: Mapping): ListenNamespace<L> | undefined {
    return this.#namespaces.get(formatInside(mapping));
  }

  async drain(graceMs: number): Promise<number> {
    let reset = 0;
    const grace = setTimeout(() => {
      reset = this.#engine.flowCount();
      void this.#closeServices();
    }, graceMs);
    this.#closeNamespaces();
    await Promise.all(this.#served.map(({ service }) => service?.drain()));
    clearTimeout(grace);
    await this.close();
    return reset;
  }

  async close(): Promise<void> {
    this.#closeNamespaces();
    await this.#closeServices();
    // Only now: a flow that was still dialling may have needed what a target holds.
    for (const target of this.#targets.values()) target.close();
    await this.#engine.close();
  }

  #closeNamespaces(): void {
    for (const namespace of this.#namespaces.values()) namespace.close();
    this.#namespaces.clear();
  }

  async #closeServices(): Promise<void> {
    await Promise.all(this.#served.map(({ service }) => service?.close()));
  }

  async #openTargets(): Promise<void> {
    const specs = new Map(this.#mappings.map(({ target }) => [targetKey(target), target]));
    const opening = [...specs].map(async ([key, spec]) => {
      const target = await openTarget(spec, {
        changed: () => this.#reroute(key),
        gone: (hosts) => this.#gone(key, hosts),
        trouble: (message) => this.#log.warn(message),
        recovered: (message) => this.#log.info(message),
      });
      this.#targets.set(key, target);
    });
    await allDone(opening);
  }

  /** Flows in progress stay where they are; new ones go to the target's new addresses. */
  #reroute(key: string): void {
    for (const { mapping, service } of this.#served) {
      if (targetKey(mapping.target) === key) service?.setRoute(this.#routeOf(mapping));
    }
  }

  /** The new route goes first: it is where what was only being dialled goes instead. */
  #gone(key: string, hosts: readonly TargetHost[]): void {
    this.#reroute(key);
    for (const { mapping, service } of this.#served) {
      if (targetKey(mapping.target) === key) service?.endFlowsTo(addressesOf(mapping, hosts));
    }
  }

  #routeOf(mapping: Mapping): Route {
    const { target, options } = mapping;
    const state = this.#targets.get(targetKey(target))?.state() ?? unknown;
    return {
      targets: addressesOf(mapping, state.hosts),
      waitMs: waitMsOf(state, options),
      connectTimeoutMs: options.connectTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs,
      udpUnansweredTimeoutMs: Math.min(limits.udpUnansweredTimeoutMs, options.udpTimeoutMs),
      udpTimeoutMs: options.udpTimeoutMs,
      maxFlows: options.maxFlows,
    };
  }

  #tellEngine(): void {
    const { name } = this.#engine;
    const why = this.#fallback === undefined ? '' : `, not splice: ${this.#fallback}`;
    this.#log.info({ engine: name }, `forwarding with the ${name} engine${why}`);
  }

  #tellShortcomings(): void {
    const wildcardUdp = this.#served.some(
      ({ mapping }) =>
        mapping.protocol === 'udp' && (mapping.hostIp === undefined || isWildcard(mapping.hostIp)),
    );
    if (wildcardUdp) for (const shortcoming of this.#engine.shortcomings) this.#log.info(shortcoming);
  }

  #logEnds(ends: readonly FlowEnd[]): void {
    for (const end of ends) {
      const served = this.#served[end.service];
      if (served !== undefined)
        this.#log.info(accessRecord(end, served.mapping.name, served.endpoint), 'flow ended');
    }
  }
}

function waitMsOf({ settling, followed }: TargetState, { waitMs }: FlowOptions): number {
  if (settling) return waitMs;
  return followed === true ? Math.min(waitMs, limits.newsMs) : 0;
}

function addressesOf({ targetPort }: Mapping, hosts: readonly TargetHost[]): TargetAddress[] {
  return hosts.map((host) => (host.kind === 'unix' ? host : { ...host, port: targetPort }));
}

/** Waits for all of them, so that nothing is still under way when the first failure is thrown. */
async function allDone(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

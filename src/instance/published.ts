/** One mapping that is published: its listeners' services, from the start of forwarding until its last flow has ended. */
import type { Endpoint } from '../address/endpoint.js';
import type { FlowEnd, Route, Service, TargetAddress } from '../engine/engine.js';
import { type CounterSnapshot, flowsOf, sumOf } from '../metrics/counters.js';
import type { Mapping } from '../publish/mapping.js';

/** One listener of it. */
export interface PublishedService {
  readonly endpoint: Endpoint;
  readonly service: Service;
  /** The tag that its flow ends carry; no other service ever has it. */
  readonly number: number;
}

export class Published {
  readonly mapping: Mapping;
  /** Published while the instance ran, not with its start. */
  readonly atRunTime: boolean;
  #services: readonly PublishedService[];
  /** Of services that others have taken the place of. */
  #past: readonly CounterSnapshot[] = [];
  readonly #ends: Record<string, number> = {};
  #drained: Promise<number> | undefined;
  #grace: NodeJS.Timeout | undefined;
  /** When the grace of a drain is over, by performance.now(). */
  #graceEndsMs = Number.POSITIVE_INFINITY;
  /** Flows that were left when it was. */
  #reset = 0;

  constructor(mapping: Mapping, services: readonly PublishedService[], atRunTime: boolean) {
    this.mapping = mapping;
    this.#services = services;
    this.atRunTime = atRunTime;
  }

  /** One, or two on the same port: 0.0.0.0 and [::]. */
  get services(): readonly PublishedService[] {
    return this.#services;
  }

  /** The mapping with the host port that it got. */
  get bound(): Mapping {
    const port = this.services[0]?.endpoint.port;
    return port === undefined ? this.mapping : { ...this.mapping, hostPort: { kind: 'fixed', port } };
  }

  /** True once it takes nothing new. */
  get draining(): boolean {
    return this.#drained !== undefined;
  }

  setRoute(route: Route): void {
    for (const { service } of this.services) service.setRoute(route);
  }

  /** Ends the flows to addresses that are nobody's any more. */
  endFlowsTo(addresses: readonly TargetAddress[]): void {
    for (const { service } of this.services) service.endFlowsTo(addresses);
  }

  /** A listener was bound anew: its service goes on for one whose flows have all ended. */
  replace(old: PublishedService, next: PublishedService): void {
    this.#services = this.#services.map((service) => (service === old ? next : service));
    this.#past = [sumOf([...this.#past, old.service.counters()])];
  }

  /** Of its listeners together. */
  counters(): CounterSnapshot {
    return sumOf([...this.#past, ...this.services.map(({ service }) => service.counters())]);
  }

  countEnd({ reason }: FlowEnd): void {
    this.#ends[reason] = (this.#ends[reason] ?? 0) + 1;
  }

  /** How many flows have ended for which reason, of those that were told of. */
  ends(): Readonly<Record<string, number>> {
    return { ...this.#ends };
  }

  flowCount(): number {
    return flowsOf(this.counters());
  }

  /**
   * Takes nothing new, and lets its flows finish for at most `graceMs`; what is left then is reset. Asked again, the end
   * that comes first counts: an instance that stops does not wait for a longer grace given before.
   *
   * @returns how many flows were reset, once all have ended
   */
  drain(graceMs: number): Promise<number> {
    this.#endBy(performance.now() + graceMs);
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /** Ends everything at once; a drain in progress ends with it. */
  async close(): Promise<void> {
    if (this.#drained !== undefined) this.#reset = Math.max(this.#reset, this.flowCount());
    await Promise.all(this.services.map(({ service }) => service.close()));
  }

  #endBy(atMs: number): void {
    if (atMs >= this.#graceEndsMs) return;
    clearTimeout(this.#grace);
    this.#graceEndsMs = atMs;
    this.#grace = setTimeout(() => void this.close(), atMs - performance.now());
  }

  async #drain(): Promise<number> {
    await Promise.all(this.services.map(({ service }) => service.drain()));
    clearTimeout(this.#grace);
    // Nothing is left that a timer could end.
    this.#graceEndsMs = Number.NEGATIVE_INFINITY;
    return this.#reset;
  }
}

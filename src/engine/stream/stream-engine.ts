/**
 * The portable engine: Node's own net and dgram, everything on the main thread.
 *
 * Theory of operation. A service owns one listener and the flows that came through it. A TCP flow is two sockets and
 * two `stream.pipeline`s, one a direction; backpressure is the streams' own. A UDP association is one connected
 * dgram socket. Flows report their end to the engine, which hands the ends on in batches, a batch a turn of the
 * event loop.
 *
 * Who closes what: the service closes its listener, a flow its two sockets, by the close table.
 */
import { limits } from '../../limits.js';
import type { Engine, EngineOptions, FlowEnd, Route, Service } from '../engine.js';
import { FlowBudget } from './flow-budget.js';
import type { StreamContext } from './stream-context.js';
import type { StreamListener } from './stream-listener.js';
import { TcpService } from './tcp-service.js';
import { UdpService } from './udp-service.js';

export class StreamEngine implements Engine<StreamListener> {
  readonly name = 'stream';
  readonly shortcomings = [
    'UDP replies of a wildcard listener leave from the address the kernel chooses, not the one the client spoke to',
  ];
  readonly #context: StreamContext;
  readonly #budget: FlowBudget;
  readonly #services = new Set<Service>();
  readonly #onFlowEnds: EngineOptions['onFlowEnds'];
  #ends: FlowEnd[] = [];

  constructor(options: EngineOptions) {
    this.#onFlowEnds = options.onFlowEnds;
    this.#budget = new FlowBudget(options.maxFlows);
    this.#context = {
      clock: options.clock,
      budget: this.#budget,
      report: (end) => this.#report(end),
      trouble: options.onTrouble,
      gone: (service) => this.#services.delete(service),
    };
  }

  serve(listener: StreamListener, route: Route, service: number): Service {
    const served =
      listener.protocol === 'tcp'
        ? new TcpService(listener, route, service, this.#context)
        : new UdpService(listener, route, service, this.#context);
    this.#services.add(served);
    return served;
  }

  flowCount(): number {
    return this.#budget.taken;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#services].map((service) => service.close()));
    this.#services.clear();
    this.#handOver();
  }

  #report(end: FlowEnd): void {
    if (this.#onFlowEnds === undefined) return;
    this.#ends.push(end);
    if (this.#ends.length === 1) setImmediate(() => this.#handOver());
    else if (this.#ends.length >= limits.flowEndsPerBatch) this.#handOver();
  }

  #handOver(): void {
    if (this.#ends.length === 0) return;
    const batch = this.#ends;
    this.#ends = [];
    this.#onFlowEnds?.(batch);
  }
}

/** A TCP listener and its flows. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../address/endpoint.js';
import { type CounterSnapshot, Counters } from '../../metrics/counters.js';
import type { FlowEnd, Route, Service } from '../engine.js';
import type { StreamContext } from './stream-context.js';
import type { StreamTcpListener } from './stream-listener.js';
import { TcpFlow, type TcpFlowHost } from './tcp-flow.js';

export class TcpService implements Service {
  readonly #listener: StreamTcpListener;
  readonly #service: number;
  readonly #context: StreamContext;
  readonly #counters = new Counters();
  readonly #flows = new Set<TcpFlow>();
  readonly #host: TcpFlowHost;
  #route: Route;
  #listenerClosed: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(listener: StreamTcpListener, route: Route, service: number, context: StreamContext) {
    this.#listener = listener;
    this.#route = route;
    this.#service = service;
    this.#context = context;
    this.#host = {
      clock: context.clock,
      counters: this.#counters,
      ended: (flow, end) => this.#ended(flow, end),
    };
    listener.accept((client) => this.#accept(client));
    this.#counters.add('earlyArrivalsDropped', listener.earlyArrivalsDropped);
  }

  setRoute(route: Route): void {
    this.#route = route;
  }

  counters(): CounterSnapshot {
    const ended = this.#counters.snapshot();
    let { bytesIn, bytesOut } = ended;
    for (const flow of this.#flows) {
      bytesIn += flow.bytesIn();
      bytesOut += flow.bytesOut();
    }
    return { ...ended, bytesIn, bytesOut };
  }

  async drain(): Promise<void> {
    this.#listenerClosed ??= this.#listener.close();
    if (this.#flows.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    }
    await this.#listenerClosed;
  }

  async close(): Promise<void> {
    this.#listenerClosed ??= this.#listener.close();
    for (const flow of this.#flows) flow.end('drain-grace-over');
    await this.#listenerClosed;
  }

  #accept(client: Socket): void {
    const endpoint = remoteEndpoint(client);
    if (endpoint === undefined) {
      // It was reset while it waited to be accepted: there is no flow to speak of.
      client.destroy();
      return;
    }
    const flow = new TcpFlow(client, endpoint, this.#route, this.#host);
    const overLimit = this.#flows.size >= this.#route.maxFlows || this.#context.budget.spent;
    this.#flows.add(flow);
    this.#context.budget.take();
    this.#counters.add('flowsOpened');
    if (overLimit) {
      this.#counters.add('flowsOverLimit');
      flow.end('flow-limit');
    } else {
      flow.start();
    }
  }

  #ended(flow: TcpFlow, end: Omit<FlowEnd, 'service' | 'protocol'>): void {
    this.#flows.delete(flow);
    this.#context.budget.giveBack();
    this.#counters.add('flowsEnded');
    this.#counters.add('bytesIn', end.bytesIn);
    this.#counters.add('bytesOut', end.bytesOut);
    this.#context.report({ ...end, service: this.#service, protocol: 'tcp' });
    if (this.#flows.size === 0) this.#whenEmpty?.();
  }
}

function remoteEndpoint(client: Socket): Endpoint | undefined {
  const { remoteAddress, remotePort, remoteFamily } = client;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { ip: { family: remoteFamily === 'IPv6' ? 6 : 4, text: remoteAddress }, port: remotePort };
}

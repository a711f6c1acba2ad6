/** A TCP listener and its flows. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../address/endpoint.js';
import { limits } from '../../limits.js';
import { type CounterSnapshot, Counters } from '../../metrics/counters.js';
import { addressKey } from '../address-key.js';
import type { FlowEnd, Route, Service, TargetAddress } from '../engine.js';
import { WaitingLine, type WaitingRoute, waitingTroubleText } from '../waiting-line.js';
import type { StreamContext } from './stream-context.js';
import type { StreamTcpListener } from './stream-listener.js';
import { TcpFlow, type TcpFlowHost } from './tcp-flow.js';

/** All who wait for a listener's target here stand in one line. */
function wholeLine(route: Route): WaitingRoute {
  return { ...route, waitingFlows: limits.waitingFlows };
}

export class TcpService implements Service {
  readonly #listener: StreamTcpListener;
  readonly #service: number;
  readonly #context: StreamContext;
  readonly #counters = new Counters();
  readonly #flows = new Set<TcpFlow>();
  readonly #host: TcpFlowHost;
  readonly #line: WaitingLine<string | undefined, TcpFlow>;
  #route: Route;
  #cancelRing: (() => void) | undefined;
  #listenerClosed: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(listener: StreamTcpListener, route: Route, service: number, context: StreamContext) {
    this.#listener = listener;
    this.#route = route;
    this.#service = service;
    this.#context = context;
    this.#line = new WaitingLine(wholeLine(route), {
      counters: this.#counters,
      nowMs: () => context.clock.now(),
      ringAt: (atMs) => this.#ringAt(atMs),
      trouble: (trouble) => context.trouble(waitingTroubleText(trouble, listener)),
    });
    const currentRoute = () => this.#route;
    this.#host = {
      clock: context.clock,
      counters: this.#counters,
      line: this.#line,
      get route() {
        return currentRoute();
      },
      ended: (flow, end) => this.#ended(flow, end),
    };
    listener.accept((client) => this.#accept(client));
    this.#counters.add('earlyArrivalsDropped', listener.earlyArrivalsDropped);
  }

  setRoute(route: Route): void {
    this.#route = route;
    this.#line.setRoute(wholeLine(route));
  }

  endFlowsTo(addresses: readonly TargetAddress[]): void {
    const gone = new Set(addresses.map(addressKey));
    for (const flow of this.#flows) flow.targetsGone(gone);
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
    await this.#gone();
  }

  async close(): Promise<void> {
    this.#listenerClosed ??= this.#listener.close();
    for (const flow of this.#flows) flow.end('drain-grace-over');
    await this.#gone();
  }

  async #gone(): Promise<void> {
    await this.#listenerClosed;
    this.#context.gone(this);
  }

  #accept(client: Socket): void {
    const endpoint = remoteEndpoint(client);
    if (endpoint === undefined) {
      // It was reset while it waited to be accepted: there is no flow to speak of.
      client.destroy();
      return;
    }
    const flow = new TcpFlow(client, endpoint, this.#host);
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
    if (end.reason === 'target-gone') this.#counters.add('flowsToGoneTarget');
    this.#counters.add('bytesIn', end.bytesIn);
    this.#counters.add('bytesOut', end.bytesOut);
    this.#context.report({ ...end, service: this.#service, protocol: 'tcp' });
    if (this.#flows.size === 0) this.#whenEmpty?.();
  }

  #ringAt(atMs: number): void {
    this.#cancelRing?.();
    this.#cancelRing = undefined;
    if (atMs === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#context;
    this.#cancelRing = clock.after(Math.max(0, Math.ceil(atMs - clock.now())), () => this.#line.ring());
  }
}

function remoteEndpoint(client: Socket): Endpoint | undefined {
  const { remoteAddress, remotePort, remoteFamily } = client;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return { ip: { family: remoteFamily === 'IPv6' ? 6 : 4, text: remoteAddress }, port: remotePort };
}

/**
 * One TCP flow of the stream engine.
 *
 * States: `dialing` one target address after the other, the client paused so that the kernel holds what it sends;
 * `waiting` in its listener's line (src/engine/waiting-line.ts), which has it dial again or end; `open`, with a pipeline
 * each way; `ended`, once, by a row of the close table. The first event that ends a flow decides its reason: what the
 * other socket says while it is torn down is only the echo.
 *
 * The flow owns both sockets. It is over, for its service, when it reports its end; the sockets close by themselves.
 */
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Endpoint } from '../../address/endpoint.js';
import { errnoOf } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Counters } from '../../metrics/counters.js';
import { addressKey } from '../address-key.js';
import type { Clock } from '../clock.js';
import { type CloseAction, type CloseEvent, closeTable, dialEventOf, type Side } from '../close-table.js';
import type { FlowEnd, Route, TargetAddress } from '../engine.js';
import type { WaitingFlow, WaitingLine } from '../waiting-line.js';

type State =
  | { readonly kind: 'dialing'; readonly target: Socket | undefined; readonly cancelTimeout: () => void }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'open'; readonly target: Socket }
  | { readonly kind: 'ended' };

export interface TcpFlowHost {
  readonly clock: Clock;
  readonly counters: Counters;
  /** As it is now. */
  readonly route: Route;
  readonly line: WaitingLine<string | undefined, TcpFlow>;
  /** Called once, when the flow has ended. */
  ended(flow: TcpFlow, end: Omit<FlowEnd, 'service' | 'protocol'>): void;
}

const nothingPending = () => undefined;

export class TcpFlow implements WaitingFlow<string | undefined> {
  readonly #client: Socket;
  readonly #endpoint: Endpoint;
  readonly #host: TcpFlowHost;
  readonly startedMs: number;
  /** The route it was dialled by last. */
  #route: Route;
  #state: State = { kind: 'dialing', target: undefined, cancelTimeout: nothingPending };
  #address: TargetAddress | undefined;
  #watched = false;
  /** What had moved, in bytes, when each side was last found quiet for the idle timeout. */
  readonly #quietAt: { client: number | undefined; target: number | undefined } = {
    client: undefined,
    target: undefined,
  };

  constructor(client: Socket, endpoint: Endpoint, host: TcpFlowHost) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#route = host.route;
    this.#host = host;
    this.startedMs = host.clock.now();
    client.on('error', (error) => this.end('client-reset', errnoOf(error)));
  }

  /** Dials the route's addresses in turn, once it is its turn. */
  start(): void {
    if (this.#host.line.hasPrecedence) this.#wait(() => this.#host.line.join(this));
    else this.dialAgain();
  }

  dialAgain(): void {
    this.#dial(0, 'dial-unreachable', undefined);
  }

  /** These addresses are nobody's any more. What is only being dialled has lost nothing by it, and goes elsewhere. */
  targetsGone(gone: ReadonlySet<string>): void {
    const state = this.#state;
    if (this.#address === undefined || !gone.has(addressKey(this.#address))) return;
    if (state.kind === 'open') {
      this.end('target-gone');
    } else if (state.kind === 'dialing') {
      state.cancelTimeout();
      state.target?.destroy();
      this.#dial(0, 'dial-unreachable', undefined);
    }
  }

  bytesIn(): number {
    return this.#client.bytesRead;
  }

  bytesOut(): number {
    return this.#state.kind === 'open' ? this.#state.target.bytesRead : 0;
  }

  /** Ends the flow as the close table says; nothing happens where it has ended already. */
  end(event: CloseEvent, error?: string): void {
    const state = this.#state;
    if (state.kind === 'ended') return;
    const bytesOut = this.bytesOut();
    this.#state = { kind: 'ended' };
    if (state.kind === 'dialing') state.cancelTimeout();
    const row = closeTable[event];
    apply(row.client, this.#client);
    if (state.kind !== 'waiting' && state.target !== undefined) {
      apply(state.kind === 'open' ? row.target : 'close', state.target, this.#address);
    }
    if (this.#host.line.size > 0) this.#host.line.left(this);
    this.#host.ended(this, {
      client: this.#endpoint,
      target: this.#address,
      bytesIn: this.bytesIn(),
      bytesOut,
      milliseconds: this.#host.clock.now() - this.startedMs,
      reason: row.reason,
      failed: row.failed,
      error,
    });
  }

  /** Dials an address; with none left its line decides. A new route begins with its first. */
  #dial(index: number, lastEvent: CloseEvent, lastError: string | undefined): void {
    const { route, line } = this.#host;
    const isNew = route !== this.#route;
    this.#route = route;
    const next = isNew ? 0 : index;
    const address = route.targets[next];
    if (address === undefined) this.#wait(() => line.failed(this, lastEvent, lastError));
    else this.#dialAddress(address, next);
  }

  /**
   * A socket that nobody reads is not watched, and its reset not seen: once is enough to have it read until its stream's
   * buffer is full. A second time would end the stream of a client that has sent its FIN.
   */
  #wait(inLine: () => void): void {
    this.#state = { kind: 'waiting' };
    inLine();
    if (this.#watched || this.#currentState().kind !== 'waiting') return;
    this.#watched = true;
    this.#client.read(0);
  }

  #dialAddress(address: TargetAddress, index: number): void {
    this.#address = address;
    const target = connect(connectOptions(address));
    const failed = (event: CloseEvent, error: string | undefined) => {
      if (this.#state.kind !== 'dialing' || this.#state.target !== target) return;
      this.#state.cancelTimeout();
      this.#host.counters.add('dialsFailed');
      target.destroy();
      this.#dial(index + 1, event, error);
    };
    const cancelTimeout = this.#host.clock.after(this.#route.connectTimeoutMs, () =>
      failed('dial-timeout', undefined),
    );
    this.#state = { kind: 'dialing', target, cancelTimeout };
    target.on('error', (error) => {
      if (this.#state.kind === 'open' && this.#state.target === target)
        this.#targetFailed(target, errnoOf(error));
      else failed(dialEventOf(errnoOf(error)), errnoOf(error));
    });
    target.once('connect', () => {
      if (isToItself(target)) {
        // A FIN would keep the port, as TIME_WAIT.
        target.resetAndDestroy();
        failed('dial-refused', 'ECONNREFUSED');
        return;
      }
      cancelTimeout();
      if (this.#state.kind === 'dialing' && this.#state.target === target) this.#open(target);
    });
  }

  /** The state as it is by now: a call in between may have changed what the compiler still believes. */
  #currentState(): State {
    return this.#state;
  }

  /**
   * A target that has sent its FIN and then refuses what the client still sends has finished, and the client has all of
   * it: a reset now could cost the client what is still on its way to it.
   */
  #targetFailed(target: Socket, error: string | undefined): void {
    const finished = target.readableEnded && this.#client.writableFinished;
    this.end(finished ? 'both-fins' : 'target-reset', error);
  }

  /** `pipeline` passes on data, backpressure and the FIN; resets are the sockets' error events, handled above. */
  #open(target: Socket): void {
    this.#state = { kind: 'open', target };
    if (this.#host.line.size > 0) this.#host.line.opened(this);
    let directionsOpen = 2;
    const directionEnded = (error: Error | null | undefined) => {
      if (error) this.end('internal-error', errnoOf(error));
      directionsOpen -= 1;
      if (directionsOpen === 0) this.end('both-fins');
    };
    this.#watchIdle('client', this.#client);
    this.#watchIdle('target', target);
    pipeline(this.#client, target, directionEnded);
    pipeline(target, this.#client, directionEnded);
  }

  /**
   * A flow is idle when both its sockets have been quiet for the timeout and nothing moved in between. Both have to
   * be: while one side slowly takes what the other sent, only its own socket shows the progress.
   */
  #watchIdle(side: Side, socket: Socket): void {
    if (this.#route.idleTimeoutMs === undefined) return;
    socket.setTimeout(this.#route.idleTimeoutMs);
    // Not as an argument above, which would be called once only: one side may fall quiet, go on, and be quiet again.
    socket.on('timeout', () => {
      const moved = this.bytesIn() + this.bytesOut();
      this.#quietAt[side] = moved;
      if (this.#quietAt.client === moved && this.#quietAt.target === moved) this.end('idle-timeout');
    });
  }
}

/**
 * Where nothing listens at a port of this host, the kernel may choose that very port for the dial, and its two ends are one:
 * it would give the client its own bytes for an answer, and keep the port from its server.
 */
function isToItself({ localPort, remotePort, localAddress, remoteAddress }: Socket): boolean {
  return localPort !== undefined && localPort === remotePort && localAddress === remoteAddress;
}

function connectOptions(address: TargetAddress) {
  const place =
    address.kind === 'unix' ? { path: address.path } : { host: address.ip.text, port: address.port };
  return {
    ...place,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.keepAliveDelayMs,
  };
}

/**
 * A unix socket has no reset: closing it is all its peer can be told. Nor does Node reset a socket whose FIN is under way
 * (uv_tcp_close_reset says EINVAL, and the descriptor would stay open for ever): that one is closed as well.
 */
function apply(action: CloseAction, socket: Socket, address?: TargetAddress): void {
  const finUnderWay = socket.writableEnded && !socket.writableFinished;
  if (action === 'reset' && address?.kind !== 'unix' && !finUnderWay) socket.resetAndDestroy();
  else socket.destroy();
}

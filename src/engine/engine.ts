/**
 * The Engine seam: what moves bytes between a bound listener and a target's addresses.
 *
 * An engine knows nothing of Docker, DNS, names or files. It is given plain data and reports plain data.
 *
 * Threads: every method is called on the main thread. An engine may move bytes on other threads; its reports arrive
 * on the main thread.
 *
 * Descriptors: `serve` hands the listener over. From then on the engine alone accepts from it and closes it, and it
 * alone closes the sockets of its flows. A listener never served stays its binder's to close.
 */
import type { Endpoint } from '../address/endpoint.js';
import type { CounterSnapshot } from '../metrics/counters.js';
import type { Protocol } from '../publish/protocol.js';
import type { Clock } from './clock.js';
import type { AssociationEndReason, FlowEndReason, Side } from './close-table.js';

export type EngineName = 'splice' | 'stream';

/** An address that can be dialled. Unix sockets take TCP flows only. */
export type TargetAddress =
  | ({
      readonly kind: 'ip';
      /**
       * Path of the network namespace in which to dial, such as `/run/netns/blue`, where that is not our own; opened anew
       * for each dial. The splice engine alone can.
       */
      readonly namespace?: string;
    } & Endpoint)
  | { readonly kind: 'unix'; readonly path: string };

/** Where the flows of a listener go, and within which bounds. */
export interface Route {
  /** In order of preference; with none, and no time to wait, TCP flows are reset and datagrams dropped, both counted. */
  readonly targets: readonly TargetAddress[];
  /**
   * How long a flow may wait, from when it was accepted, while there is no address or none of them can be dialled: for the
   * next route, and trying these again. A UDP client's last datagrams wait as long for an address. 0: nothing waits.
   */
  readonly waitMs: number;
  /** Bound of each dial, of which there is one for each target address. */
  readonly connectTimeoutMs: number;
  /** undefined: never. */
  readonly idleTimeoutMs: number | undefined;
  readonly udpUnansweredTimeoutMs: number;
  readonly udpTimeoutMs: number;
  /**
   * Flows at once. Past it a UDP association makes room; a TCP client waits in the kernel's queue (splice) or is reset
   * (stream).
   */
  readonly maxFlows: number;
}

/** A bound socket that nothing has been taken from yet. What else it holds is between a binder and its engine. */
export interface Listener {
  readonly protocol: Protocol;
  readonly endpoint: Endpoint;
  /** Frees the port. Only for a listener that was never served. */
  close(): Promise<void>;
}

/** One flow that ended. */
export interface FlowEnd {
  /** The tag that `serve` was given. */
  readonly service: number;
  readonly protocol: Protocol;
  readonly client: Endpoint;
  /** The address dialled last; undefined where there was none to dial. */
  readonly target: TargetAddress | undefined;
  /** Bytes received from the client, and from the target. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly milliseconds: number;
  readonly reason: FlowEndReason | AssociationEndReason;
  /** The side that failed first, where one did. */
  readonly failed: Side | undefined;
  /** The failing call's errno, where there was one. */
  readonly error: string | undefined;
}

/** One served listener. */
export interface Service {
  /**
   * For flows that begin soon after, and for those that wait, which are dialled now. A flow that is being dialled goes on
   * with it, and to this route where that fails; those that are open are not touched.
   */
  setRoute(route: Route): void;
  /**
   * These addresses are nobody's any more: flows and associations that are open to one end at once, as `target-gone`; a
   * flow that is being dialled to one goes to the route as it is now instead, so set that first.
   */
  endFlowsTo(addresses: readonly TargetAddress[]): void;
  counters(): CounterSnapshot;
  /** Takes nothing new, and is done when the flows in progress have ended by themselves. The port is free at once. */
  drain(): Promise<void>;
  /** Ends the flows in progress, as `drained`, and is done when the port and their sockets are closed. */
  close(): Promise<void>;
}

export interface Engine<L extends Listener = Listener> {
  readonly name: EngineName;
  /**
   * Starts forwarding.
   *
   * @param service a number of the caller's own, which flow ends carry
   */
  serve(listener: L, route: Route, service: number): Service;
  /** What this engine cannot do that others can, in words for the log; told once at start. */
  readonly shortcomings: readonly string[];
  /** Flows in progress, of all services. */
  flowCount(): number;
  /** Closes what is left. */
  close(): Promise<void>;
}

export interface EngineOptions {
  readonly clock: Clock;
  /** Flows at once, of all services: what the process has descriptors for. */
  readonly maxFlows: number;
  /** Called with a batch of ended flows, soon after they ended. It must not throw. undefined: they are only counted. */
  readonly onFlowEnds: ((ends: readonly FlowEnd[]) => void) | undefined;
  /** Called with what the user may have to act on: a limit that was reached, a part that failed. */
  readonly onTrouble: (message: string) => void;
  /** Called with what the engine did by itself to keep up, in words for the log. */
  readonly onGrowth: (message: string) => void;
}

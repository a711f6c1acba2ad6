import type { Endpoint } from '../address/endpoint.js';
import type { Listener } from '../engine/engine.js';
import type { Protocol } from '../publish/protocol.js';

/** Makes the listeners of one engine. */
export interface Binder<L extends Listener> {
  /**
   * Binds one socket; port 0 asks the kernel for a free one. An IPv6 listener takes no IPv4 traffic.
   *
   * @param namespace path of the network namespace in which to bind, where that is not our own
   * @throws the system's error, with its errno in `code`; nothing is left bound then
   */
  bind(protocol: Protocol, endpoint: Endpoint, namespace?: string): Promise<L>;
}

/**
 * Makes a listener of a socket that this process was started with, already bound, and for TCP listening. It becomes
 * this process's to close; its options and its backlog stay as they are, but for what an engine needs.
 *
 * @throws SluiceError SLUICE_BIND_FAILED where the descriptor is anything else
 */
export type Adopt<L extends Listener> = (protocol: Protocol, descriptor: number, family: 4 | 6) => Promise<L>;

/** What an engine is told of a mapping whose target is in a given state. */
import type { Route, TargetAddress } from '../engine/engine.js';
import { limits } from '../limits.js';
import type { FlowOptions, Mapping } from '../publish/mapping.js';
import type { TargetHost, TargetState } from '../target/target.js';

export function routeOf(mapping: Mapping, state: TargetState): Route {
  const { options } = mapping;
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

/** Where a mapping dials at these hosts. */
export function addressesOf({ targetPort }: Mapping, hosts: readonly TargetHost[]): TargetAddress[] {
  return hosts.map((host) => (host.kind === 'unix' ? host : { ...host, port: targetPort }));
}

function waitMsOf({ settling, followed }: TargetState, { waitMs }: FlowOptions): number {
  if (settling) return waitMs;
  return followed === true ? Math.min(waitMs, limits.newsMs) : 0;
}

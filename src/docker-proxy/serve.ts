/** Serves one published port, for as long as the process lasts. */
import { readdirSync } from 'node:fs';
import { formatEndpoint } from '../address/endpoint.js';
import type { Engine, Listener, Route, Service } from '../engine/engine.js';
import { shardsAsNeeded } from '../engine/shard-plan.js';
import { SluiceError } from '../errors.js';
import { flowsWithinDescriptors } from '../instance/descriptor-limit.js';
import type { EngineKit } from '../instance/engine-kit.js';
import { openEngineKit } from '../instance/open-engine-kit.js';
import { limits } from '../limits.js';
import { accessRecord } from '../log/access-record.js';
import { bindFailure } from './bind-words.js';
import { inWords, type ProxyRequest } from './flags.js';
import type { ProxyLog } from './proxy-log.js';

/** dockerd leaves the socket it has bound here. */
const listenDescriptor = 4;

export interface Serving {
  readonly engine: Engine;
  readonly service: Service;
}

/** @throws SluiceError where the port cannot be had, or what was given for it is of the wrong kind */
export async function serve(request: ProxyRequest, log: ProxyLog): Promise<Serving> {
  const kit = await openEngineKit('auto', shardsAsNeeded());
  const listener = await listenerFor(kit, request);
  const mapping = inWords(request);
  const engine = kit.create({
    maxFlows: flowsWithinDescriptors(1, openDescriptors() + limits.dockerProxySpareDescriptors),
    onTrouble: (message) => log.warn(message),
    onGrowth: (message) => log.info({}, message),
    onFlowEnds: log.verbose
      ? (ends) => {
          for (const end of ends) log.info(accessRecord(end, mapping, listener.endpoint), 'flow ended');
        }
      : undefined,
  });
  const service = engine.serve(listener, routeTo(request), 0);
  tellOfEngine(log, kit, engine, listener);
  return { engine, service };
}

async function listenerFor(kit: EngineKit, request: ProxyRequest): Promise<Listener> {
  const { protocol, host, useListenDescriptor } = request;
  try {
    if (useListenDescriptor) return await kit.adopt(protocol, listenDescriptor, host.ip.family);
    return await kit.binder.bind(protocol, host);
  } catch (error) {
    throw error instanceof SluiceError ? error : bindFailure(request, error);
  }
}

/** docker-proxy's own times; it has no bound on a dial, and hangs. */
function routeTo({ container }: ProxyRequest): Route {
  return {
    targets: [{ kind: 'ip', ...container }],
    // A container's end is dockerd's to follow: it ends this proxy with it.
    waitMs: 0,
    connectTimeoutMs: limits.connectTimeoutMs,
    idleTimeoutMs: undefined,
    udpUnansweredTimeoutMs: limits.udpTimeoutMs,
    udpTimeoutMs: limits.udpTimeoutMs,
    // As many as the process has descriptors for.
    maxFlows: limits.flowsMost,
  };
}

function tellOfEngine(log: ProxyLog, { fallback }: EngineKit, engine: Engine, { endpoint }: Listener): void {
  const record = { engine: engine.name, published: formatEndpoint(endpoint) };
  log.info(record, `serving with the ${engine.name} engine`);
  if (fallback !== undefined) log.warn(`not with the splice engine: ${fallback}`);
}

function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    // No /proc: what Node has open at its start.
    return limits.descriptorsReserved;
  }
}

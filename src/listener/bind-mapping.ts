/**
 * Binds the listeners of one mapping: one where it names a host ip, else 0.0.0.0 and [::] apart and on the same port.
 * Either all of them are bound or none is.
 */
import { everyIpv6 } from '../address/ip.js';
import type { Listener } from '../engine/engine.js';
import { SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { listenAddresses } from '../publish/conflicts.js';
import { formatHostSide, formatInside, type HostPort, type Mapping } from '../publish/mapping.js';
import { bindError, isFamilyMissing, poolExhausted } from './bind-error.js';
import type { Binder } from './binder.js';

/**
 * @param namespace path of the network namespace to listen in, where that is not our own
 * @throws SluiceError that says which address and port could not be had
 */
export async function bindMapping<L extends Listener>(
  binder: Binder<L>,
  mapping: Mapping,
  namespace: string | undefined,
): Promise<L[]> {
  let taken: SluiceError | undefined;
  for (const port of candidates(mapping.hostPort)) {
    try {
      return await bindPort(binder, mapping, port, namespace);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'SLUICE_PORT_ALLOCATED') throw error;
      taken = error;
    }
  }
  if (taken === undefined || mapping.hostPort.kind === 'pool')
    throw poolExhausted(formatHostSide(mapping) + formatInside(mapping));
  throw taken;
}

/** The ports to try in turn: the one asked for, the pool's, or a few times one of the kernel's choice. */
function* candidates(hostPort: HostPort): Generator<number> {
  if (hostPort.kind === 'fixed') {
    yield hostPort.port;
  } else if (hostPort.kind === 'pool') {
    for (let port = hostPort.first; port <= hostPort.last; port += 1) yield port;
  } else {
    for (let attempt = 0; attempt < limits.freePortAttempts; attempt += 1) yield 0;
  }
}

/** The first listener settles the port; the others have to get the same one. */
async function bindPort<L extends Listener>(
  binder: Binder<L>,
  mapping: Mapping,
  wanted: number,
  namespace: string | undefined,
): Promise<L[]> {
  const bound: L[] = [];
  let port = wanted;
  for (const ip of listenAddresses(mapping.hostIp)) {
    try {
      const listener = await binder.bind(mapping.protocol, { ip, port }, namespace);
      bound.push(listener);
      port = listener.endpoint.port;
    } catch (error) {
      // Nobody asked for IPv6 by name, so a machine without it serves IPv4 alone.
      if (mapping.hostIp === undefined && ip === everyIpv6 && isFamilyMissing(error)) continue;
      await Promise.all(bound.map((listener) => listener.close()));
      throw bindError({ ip, port }, error, formatInside(mapping));
    }
  }
  return bound;
}

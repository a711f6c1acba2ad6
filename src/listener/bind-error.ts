import { type Endpoint, formatEndpoint } from '../address/endpoint.js';
import { type ErrorCode, errnoOf, messageOf, SluiceError } from '../errors.js';

interface BindFailure {
  readonly code: ErrorCode;
  /** Docker's words where it has some. */
  readonly words: string;
}

const failures: Readonly<Record<string, BindFailure>> = {
  EADDRINUSE: { code: 'SLUICE_PORT_ALLOCATED', words: 'port is already allocated' },
  EACCES: {
    code: 'SLUICE_BIND_FAILED',
    words: 'permission denied: this user may not bind it (see net.ipv4.ip_unprivileged_port_start)',
  },
  EADDRNOTAVAIL: {
    code: 'SLUICE_BIND_FAILED',
    words: 'cannot assign requested address: no interface of this machine has it',
  },
  ENODEV: {
    code: 'SLUICE_BIND_FAILED',
    words: 'no such device: there is no interface of that name or number',
  },
  EAFNOSUPPORT: {
    code: 'SLUICE_BIND_FAILED',
    words: 'this machine has no addresses of that family',
  },
  EMFILE: {
    code: 'SLUICE_BIND_FAILED',
    words: 'too many open files: raise the limit (ulimit -n) or publish fewer ports',
  },
};

/**
 * `Bind for 0.0.0.0:5000 failed: port is already allocated`, as dockerd says it.
 *
 * @param inside ` inside web` for a listener in another network namespace
 */
export function bindError(endpoint: Endpoint, cause: unknown, inside = ''): SluiceError {
  const failure = failures[errnoOf(cause) ?? ''];
  const words = failure?.words ?? messageOf(cause);
  return new SluiceError(
    failure?.code ?? 'SLUICE_BIND_FAILED',
    `Bind for ${formatEndpoint(endpoint)}${inside} failed: ${words}`,
    { cause },
  );
}

/** A range of which no port is free, in the words of moby's port allocator. */
export function poolExhausted(hostSide: string): SluiceError {
  return new SluiceError('SLUICE_PORT_ALLOCATED', `Bind for ${hostSide} failed: all ports are allocated`);
}

/** True where the machine has no such family: with it disabled binding says one, with it compiled out the other. */
export function isFamilyMissing(error: unknown): boolean {
  return errnoOf(error) === 'EAFNOSUPPORT' || errnoOf(error) === 'EADDRNOTAVAIL';
}

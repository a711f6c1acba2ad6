/** A bind that failed, in docker-proxy's words: people and scripts know them from `docker run`. */
import { formatEndpoint } from '../address/endpoint.js';
import { errnoOf, messageOf, SluiceError } from '../errors.js';
import type { ProxyRequest } from './flags.js';

/** As Go's syscall package words the errors that a bind can meet. */
const words: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EAFNOSUPPORT: 'address family not supported by protocol',
  EINVAL: 'invalid argument',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in system',
  ENOBUFS: 'no buffer space available',
  ENOMEM: 'cannot allocate memory',
};

/** `failed to listen on 0.0.0.0:80: listen tcp4 0.0.0.0:80: bind: address already in use` */
export function bindFailure({ protocol, host }: ProxyRequest, error: unknown): SluiceError {
  const at = formatEndpoint(host);
  const why = words[errnoOf(error) ?? ''] ?? messageOf(error);
  const network = `${protocol}${host.ip.family}`;
  return new SluiceError(
    'SLUICE_BIND_FAILED',
    `failed to listen on ${at}: listen ${network} ${at}: ${callOf(error)}: ${why}`,
    { cause: error },
  );
}

/** The system call that failed; Node says `listen` for its bind too. */
function callOf(error: unknown): string {
  const named = typeof error === 'object' && error !== null && 'syscall' in error ? error.syscall : undefined;
  return typeof named === 'string' && named !== 'listen' ? named : 'bind';
}

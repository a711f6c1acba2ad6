/** Takes over, with system calls, a socket that somebody else has bound: for the splice engine. */
import { type IpAddress, isWildcard } from '../address/ip.js';
import type { SpliceListener } from '../engine/splice/splice-listener.js';
import { errnoOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import { checked } from '../sys/errno.js';
import { F_GETFL, F_SETFL, O_NONBLOCK } from '../sys/fcntl.js';
import { IPPROTO_TCP, IPPROTO_UDP } from '../sys/in.js';
import type { SocketAddress } from '../sys/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_PROTOCOL,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
} from '../sys/socket.js';
import type { Adopt } from './binder.js';
import { listenerOn, localAddressOptions, Sockets, udpOptions } from './descriptor-sockets.js';

export function descriptorAdopter(): Adopt<SpliceListener> {
  const sockets = new Sockets();
  return (protocol, descriptor, family) =>
    Promise.resolve().then(() => adopt(sockets, protocol, descriptor, family));
}

/** What each protocol's socket has to be to be adopted. */
const adoptable = {
  tcp: { type: SOCK_STREAM, number: IPPROTO_TCP, words: 'TCP socket that listens' },
  udp: { type: SOCK_DGRAM, number: IPPROTO_UDP, words: 'UDP socket that is bound' },
} as const;

/** It is never told to listen again: that would set its backlog anew. */
function adopt(sockets: Sockets, protocol: Protocol, descriptor: number, family: 4 | 6): SpliceListener {
  const found = kindOf(sockets, descriptor);
  if (found?.endpoint === undefined || !fits(found, protocol) || found.endpoint.family !== family) {
    throw new SluiceError(
      'SLUICE_BIND_FAILED',
      `descriptor ${descriptor} is ${inWords(found)}, where an IPv${family} ${adoptable[protocol].words} was asked for`,
    );
  }
  const { text, port } = found.endpoint;
  const ip: IpAddress = { family, text };
  const { calls } = sockets;
  const flags = checked('fcntl', calls.fcntl(descriptor, F_GETFL, 0));
  checked('fcntl', calls.fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
  if (protocol === 'tcp') sockets.setTcp(descriptor, ip);
  else adoptUdp(sockets, descriptor, ip);
  return listenerOn(sockets, protocol, descriptor, { ip, port });
}

/** Its receive buffer is never made smaller. */
function adoptUdp(sockets: Sockets, descriptor: number, ip: IpAddress): void {
  if (sockets.get(descriptor, SO_RCVBUF) < limits.udpReceiveBufferBytes)
    for (const option of udpOptions) sockets.set(descriptor, option);
  if (isWildcard(ip)) sockets.set(descriptor, localAddressOptions[ip.family]);
}

function fits({ type, protocol, listens, endpoint }: SocketKind, wanted: Protocol): boolean {
  if (type !== adoptable[wanted].type || protocol !== adoptable[wanted].number) return false;
  return wanted === 'tcp' ? listens : endpoint?.port !== 0;
}

interface SocketKind {
  readonly type: number;
  readonly protocol: number;
  readonly listens: boolean;
  /** undefined: it is not of the internet's families. */
  readonly endpoint: SocketAddress | undefined;
}

/** undefined: it is no socket. */
function kindOf(sockets: Sockets, descriptor: number): SocketKind | undefined {
  try {
    const domain = sockets.get(descriptor, SO_DOMAIN);
    return {
      type: sockets.get(descriptor, SO_TYPE),
      protocol: sockets.get(descriptor, SO_PROTOCOL),
      listens: sockets.get(descriptor, SO_ACCEPTCONN) === 1,
      endpoint: domain === AF_INET || domain === AF_INET6 ? sockets.name(descriptor) : undefined,
    };
  } catch (error) {
    if (errnoOf(error) === 'ENOTSOCK' || errnoOf(error) === 'EBADF') return undefined;
    throw error;
  }
}

function inWords(found: SocketKind | undefined): string {
  if (found === undefined) return 'no socket';
  const { endpoint, protocol, listens } = found;
  if (endpoint === undefined) return 'a socket of another family than IPv4 and IPv6';
  if (protocol === IPPROTO_TCP)
    return `an IPv${endpoint.family} TCP socket that ${listens ? 'listens' : 'does not listen'}`;
  if (protocol === IPPROTO_UDP)
    return `an IPv${endpoint.family} UDP socket that ${endpoint.port === 0 ? 'is not bound' : 'is bound'}`;
  return `a socket of IP protocol ${protocol}`;
}

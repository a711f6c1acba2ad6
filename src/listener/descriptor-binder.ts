/** Binds with system calls, for the splice engine: a descriptor that nobody but its shards looks at. */
import type { Endpoint } from '../address/endpoint.js';
import { isWildcard } from '../address/ip.js';
import type { SpliceListener } from '../engine/splice/splice-listener.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import { checked } from '../sys/errno.js';
import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from '../sys/in.js';
import { interfaceIndex } from '../sys/interface-index.js';
import { mapRegion, type Region } from '../sys/mman.js';
import { readSockaddr, sockaddrBytes, writeSockaddr } from '../sys/sockaddr.js';
import {
  AF_INET,
  AF_INET6,
  SHUT_RDWR,
  SO_KEEPALIVE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  socketCalls,
} from '../sys/socket.js';
import { unistd } from '../sys/unistd.js';
import type { Binder } from './binder.js';

/** Level, name and value of an option. */
type Option = readonly [level: number, name: number, value: number];

/** What an accepted socket inherits (test/platform/epoll.test.ts) is set here, once. */
const tcpOptions: readonly Option[] = [
  [SOL_SOCKET, SO_REUSEADDR, 1],
  [IPPROTO_TCP, TCP_NODELAY, 1],
  [SOL_SOCKET, SO_KEEPALIVE, 1],
  [IPPROTO_TCP, TCP_KEEPIDLE, limits.keepAliveDelayMs / 1000],
];
const udpOptions: readonly Option[] = [[SOL_SOCKET, SO_RCVBUF, limits.udpReceiveBufferBytes]];
const v6Only: Option = [IPPROTO_IPV6, IPV6_V6ONLY, 1];
const localAddressOptions = {
  4: [IPPROTO_IP, IP_PKTINFO, 1],
  6: [IPPROTO_IPV6, IPV6_RECVPKTINFO, 1],
} as const satisfies Record<4 | 6, Option>;

export function descriptorBinder(): Binder<SpliceListener> {
  const calls = { ...socketCalls(), ...unistd() };
  const memory = mapRegion(4096);
  return {
    // Nothing here waits; it is a promise for those binders that do.
    bind: (protocol, endpoint) => Promise.resolve().then(() => bind(calls, memory, protocol, endpoint)),
  };
}

type Calls = ReturnType<typeof socketCalls> & ReturnType<typeof unistd>;

function bind(calls: Calls, memory: Region, protocol: Protocol, { ip, port }: Endpoint): SpliceListener {
  const domain = ip.family === 6 ? AF_INET6 : AF_INET;
  const kind = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const descriptor = checked('socket', calls.socket(domain, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const wildcard = isWildcard(ip);
  try {
    const options: Option[] = [...(protocol === 'tcp' ? tcpOptions : udpOptions)];
    if (ip.family === 6) options.push(v6Only);
    if (protocol === 'udp' && wildcard) options.push(localAddressOptions[ip.family]);
    for (const [level, name, value] of options) {
      new Int32Array(memory.buffer)[0] = value;
      checked('setsockopt', calls.setsockopt(descriptor, level, name, memory.address, 4));
    }
    const bytes = new Uint8Array(memory.buffer);
    const length = writeSockaddr(bytes, 0, { ...ip, port }, interfaceIndex(ip.text));
    checked('bind', calls.bind(descriptor, memory.address, length));
    if (protocol === 'tcp') checked('listen', calls.listen(descriptor, limits.listenBacklog));
    new Int32Array(memory.buffer)[sockaddrBytes >> 2] = sockaddrBytes;
    checked('getsockname', calls.getsockname(descriptor, memory.address, memory.address + sockaddrBytes));
    const bound = readSockaddr(bytes, 0).port;
    const close = () => {
      calls.close(descriptor);
      return Promise.resolve();
    };
    const refuse = () => {
      if (protocol === 'tcp') calls.shutdown(descriptor, SHUT_RDWR);
    };
    return { protocol, endpoint: { ip, port: bound }, descriptor, wildcard, refuse, close };
  } catch (error) {
    calls.close(descriptor);
    throw error;
  }
}

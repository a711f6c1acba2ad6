/** Sockets by system calls: what the binder and the adopter of descriptors share. */
import type { Endpoint } from '../address/endpoint.js';
import { type IpAddress, isLoopback, isWildcard } from '../address/ip.js';
import type { SpliceListener } from '../engine/splice/splice-listener.js';
import { limits } from '../limits.js';
import type { Protocol } from '../publish/protocol.js';
import { checked } from '../sys/errno.js';
import { fcntl } from '../sys/fcntl.js';
import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVPKTINFO,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from '../sys/in.js';
import { interfaceIndex, zoneOf } from '../sys/interface-index.js';
import { mapRegion, type Region } from '../sys/mman.js';
import { isPaced, takePacingOff } from '../sys/pacing.js';
import { readSockaddr, type SocketAddress, sockaddrBytes, writeSockaddr } from '../sys/sockaddr.js';
import { SHUT_RDWR, SO_KEEPALIVE, SO_RCVBUF, SO_REUSEADDR, SOL_SOCKET, socketCalls } from '../sys/socket.js';
import { unistd } from '../sys/unistd.js';

/** Level, name and value of an option. */
export type Option = readonly [level: number, name: number, value: number];

/** What an accepted socket inherits is set here, once. */
const tcpOptions: readonly Option[] = [
  [SOL_SOCKET, SO_REUSEADDR, 1],
  [IPPROTO_TCP, TCP_NODELAY, 1],
  [SOL_SOCKET, SO_KEEPALIVE, 1],
  [IPPROTO_TCP, TCP_KEEPIDLE, limits.keepAliveDelayMs / 1000],
];
export const udpOptions: readonly Option[] = [[SOL_SOCKET, SO_RCVBUF, limits.udpReceiveBufferBytes]];
export const localAddressOptions = {
  4: [IPPROTO_IP, IP_PKTINFO, 1],
  6: [IPPROTO_IPV6, IPV6_RECVPKTINFO, 1],
} as const satisfies Record<4 | 6, Option>;

/** Calls about one socket that take or give memory; each throws the system's error. */
export class Sockets {
  readonly calls = { ...socketCalls(), ...unistd(), ...fcntl() };
  readonly #memory: Region = mapRegion(4096);
  readonly #words = new Int32Array(this.#memory.buffer);
  readonly #bytes = new Uint8Array(this.#memory.buffer);

  set(descriptor: number, [level, name, value]: Option): void {
    this.#words[0] = value;
    checked('setsockopt', this.calls.setsockopt(descriptor, level, name, this.#memory.address, 4));
  }

  /** For a listener: what its connections have from it. */
  setTcp(descriptor: number, ip: IpAddress): void {
    for (const option of tcpOptions) this.set(descriptor, option);
    // Whoever connects to a loopback address is on this host.
    if (isLoopback(ip) && isPaced(descriptor)) takePacingOff(descriptor);
  }

  /** An option of SOL_SOCKET. */
  get(descriptor: number, name: number): number {
    const { address } = this.#memory;
    this.#words[sockaddrBytes >> 2] = 4;
    const result = this.calls.getsockopt(descriptor, SOL_SOCKET, name, address, address + sockaddrBytes);
    checked('getsockopt', result);
    return this.#words[0] ?? 0;
  }

  bind(descriptor: number, { ip, port }: Endpoint): void {
    const scopeId = checked('bind', interfaceIndex(descriptor, zoneOf(ip.text)));
    const length = writeSockaddr(this.#bytes, 0, { ...ip, port }, scopeId);
    checked('bind', this.calls.bind(descriptor, this.#memory.address, length));
  }

  /** Where it is bound. */
  name(descriptor: number): SocketAddress {
    const { address } = this.#memory;
    this.#words[sockaddrBytes >> 2] = sockaddrBytes;
    checked('getsockname', this.calls.getsockname(descriptor, address, address + sockaddrBytes));
    return readSockaddr(this.#bytes, 0);
  }
}

export function listenerOn(
  { calls }: Sockets,
  protocol: Protocol,
  descriptor: number,
  endpoint: Endpoint,
): SpliceListener {
  let open = true;
  return {
    protocol,
    endpoint,
    descriptor,
    wildcard: isWildcard(endpoint.ip),
    refuse: () => {
      // Once closed, its number may be a flow's.
      if (open && protocol === 'tcp') calls.shutdown(descriptor, SHUT_RDWR);
    },
    close: () => {
      open = false;
      calls.close(descriptor);
      return Promise.resolve();
    },
  };
}

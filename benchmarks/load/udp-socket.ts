/** A UDP socket on loopback, opened by system calls. */

import { checked } from '../../src/sys/errno.js';
import { IPPROTO_UDP } from '../../src/sys/in.js';
import { mapRegion } from '../../src/sys/mman.js';
import { writeSockaddr } from '../../src/sys/sockaddr.js';
import {
  AF_INET,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOL_SOCKET,
  type socketCalls,
} from '../../src/sys/socket.js';
import { UDP_GRO, UDP_SEGMENT } from '../../src/sys/udp.js';

const SO_RCVTIMEO = 20;
/** Neither target nor generator is to lose what a proxy sent: as much as the kernel allows. */
const receiveBufferBytes = 4 * 1024 * 1024;

export type Calls = ReturnType<typeof socketCalls>;

/**
 * Bound to the port, or connected to it. A receive that waits gives up after a second.
 *
 * @param segment where not 0, what is sent is cut into datagrams of so many bytes, and what comes so is received whole
 */
export function openUdp(calls: Calls, how: 'bind' | 'connect', port: number, segment = 0): number {
  const region = mapRegion(4_096);
  const memory = new Uint8Array(region.buffer);
  const descriptor = checked('socket', calls.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const words = new Int32Array(region.buffer);
  const set = (level: number, name: number, value: number) => {
    words[0] = value;
    checked('setsockopt', calls.setsockopt(descriptor, level, name, region.address, 4));
  };
  set(SOL_SOCKET, SO_RCVBUF, receiveBufferBytes);
  if (segment > 0) {
    set(IPPROTO_UDP, UDP_GRO, 1);
    set(IPPROTO_UDP, UDP_SEGMENT, segment);
  }
  new BigInt64Array(region.buffer).set([1n, 0n]);
  checked('setsockopt', calls.setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, region.address, 16));
  const length = writeSockaddr(memory, 0, { family: 4, text: '127.0.0.1', port });
  checked(how, calls[how](descriptor, region.address, length));
  return descriptor;
}

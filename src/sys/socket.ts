/** <sys/socket.h> */
import { openFfi } from './ffi.js';

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const SO_ACCEPTCONN = 30;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** struct msghdr, mmsghdr and iovec, the same on both 64-bit architectures; in bytes. */
export const msghdr = {
  bytes: 56,
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
} as const;
export const mmsghdr = { bytes: 64, length: 56 } as const;
export const iovec = { bytes: 16, base: 0, length: 8 } as const;
/** struct cmsghdr is 16 bytes; its data follows, and the next header is aligned to 8. */
export const cmsghdr = { bytes: 16, length: 0, level: 8, type: 12 } as const;
/** CMSG_ALIGN: where the next header begins. */
export const cmsgAlign = (bytes: number): number => (bytes + 7) & ~7;

export function socketCalls() {
  const ffi = openFfi();
  return {
    socket: ffi.call('socket', 'int', ['int', 'int', 'int']),
    bind: ffi.call('bind', 'int', ['int', 'int64_t', 'int']),
    listen: ffi.call('listen', 'int', ['int', 'int']),
    connect: ffi.call('connect', 'int', ['int', 'int64_t', 'int']),
    /** (listener, address, address length, flags) */
    accept4: ffi.call('accept4', 'int', ['int', 'int64_t', 'int64_t', 'int']),
    getsockname: ffi.call('getsockname', 'int', ['int', 'int64_t', 'int64_t']),
    getpeername: ffi.call('getpeername', 'int', ['int', 'int64_t', 'int64_t']),
    setsockopt: ffi.call('setsockopt', 'int', ['int', 'int', 'int', 'int64_t', 'int']),
    getsockopt: ffi.call('getsockopt', 'int', ['int', 'int', 'int', 'int64_t', 'int64_t']),
    shutdown: ffi.call('shutdown', 'int', ['int', 'int']),
    recv: ffi.call('recv', 'int64_t', ['int', 'int64_t', 'int64_t', 'int']),
    send: ffi.call('send', 'int64_t', ['int', 'int64_t', 'int64_t', 'int']),
    /** (socket, mmsghdrs, count, flags, no timeout) */
    recvmmsg: ffi.call('recvmmsg', 'int', ['int', 'int64_t', 'uint32_t', 'int', 'int64_t']),
    sendmmsg: ffi.call('sendmmsg', 'int', ['int', 'int64_t', 'uint32_t', 'int']),
  };
}

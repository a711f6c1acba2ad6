/** <errno.h>: the asm-generic numbers, which x86-64 and arm64 share. */
import { openFfi } from './ffi.js';

export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPIPE: 32,
  EPROTO: 71,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;

const names = new Map<number, string>(Object.entries(Errno).map(([name, value]) => [value, name]));
const otherNames: Readonly<Record<number, string>> = {
  3: 'ESRCH',
  19: 'ENODEV',
  20: 'ENOTDIR',
  88: 'ENOTSOCK',
  97: 'EAFNOSUPPORT',
  100: 'ENETDOWN',
  107: 'ENOTCONN',
};

/** `ECONNRESET` for 104; `E104` for a number without a name here. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? otherNames[errno] ?? `E${errno}`;
}

/** A system call that failed: which one, and with what. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    super(`${syscall}: ${errnoName(errno)}`);
    this.name = 'SystemCallError';
    this.code = errnoName(errno);
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** Gives a call's result, or throws its errno. For calls off the hot path. */
export function checked(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, openFfi().errno());
  return result;
}

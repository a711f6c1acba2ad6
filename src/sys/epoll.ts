/** <sys/epoll.h> and <sys/eventfd.h> */
import { openFfi } from './ffi.js';

export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLEXCLUSIVE = 1 << 28;
/** Bit 31: as a signed number, since a call takes an int. */
export const EPOLLET = 1 << 31;

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
const EPOLL_CLOEXEC = 0o2000000;
const EFD_CLOEXEC_NONBLOCK = 0o2004000;

export function epoll() {
  const ffi = openFfi();
  const create = ffi.call('epoll_create1', 'int', ['int']);
  return {
    create: () => create(EPOLL_CLOEXEC),
    /** (epoll, operation, descriptor, event) */
    ctl: ffi.call('epoll_ctl', 'int', ['int', 'int', 'int', 'int64_t']),
    /** (epoll, events, most, milliseconds): -1 ms waits for ever. */
    wait: ffi.call('epoll_wait', 'int', ['int', 'int64_t', 'int', 'int']),
  };
}

export function eventfd() {
  const create = openFfi().call('eventfd', 'int', ['uint32_t', 'int']);
  return { create: () => create(0, EFD_CLOEXEC_NONBLOCK) };
}

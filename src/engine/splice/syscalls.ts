/** The system calls of the splice engine. */
import { epoll, eventfd } from '../../sys/epoll.js';
import { fcntl } from '../../sys/fcntl.js';
import { openFfi } from '../../sys/ffi.js';
import { turnCalls } from '../../sys/sched.js';
import { socketCalls } from '../../sys/socket.js';
import { time } from '../../sys/time.js';
import { unistd } from '../../sys/unistd.js';

/** Every call the shard makes, in one object of one shape: its loop looks them up by a constant name. */
export function openSyscalls() {
  return {
    ...socketCalls(),
    ...fcntl(),
    ...unistd(),
    ...time(),
    ...turnCalls(),
    epoll: epoll(),
    eventfd: eventfd(),
    errno: openFfi().errno,
  };
}

export type Syscalls = ReturnType<typeof openSyscalls>;

/** Sockets, pipes and epoll by system calls alone, for tests of what the kernel does. All are closed after the test. */
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN } from '../../src/sys/epoll.js';
import { checked } from '../../src/sys/errno.js';
import { O_CLOEXEC, O_NONBLOCK } from '../../src/sys/fcntl.js';
import { IPPROTO_TCP } from '../../src/sys/in.js';
import { mapRegion } from '../../src/sys/mman.js';
import { layoutsOf } from '../../src/sys/platform.js';
import { readSockaddr, sockaddrBytes, writeSockaddr, writeSockaddrUn } from '../../src/sys/sockaddr.js';
import {
  AF_INET,
  AF_UNIX,
  MSG_NOSIGNAL,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/sys/socket.js';
import type { Scope } from './scope.js';

const F_GETFD = 1;
const TCP_INFO = 11;
const MSG_PEEK = 2;

export class RawSockets {
  readonly sys = openSyscalls();
  readonly #scope: Scope;
  readonly #region = mapRegion(4 << 20);
  /** Memory for structures, which `words` shows. */
  readonly address = this.#region.address;
  /** Memory for data: behind the structures. */
  readonly data = this.#region.address + 4096;
  readonly dataBytes = 3 << 20;
  readonly words = new Int32Array(this.#region.buffer);
  readonly #bytes = new Uint8Array(this.#region.buffer);
  readonly #closed = new Set<number>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** A socket that does not block. */
  socket(domain: number, kind: number): number {
    return this.#keep(checked('socket', this.sys.socket(domain, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  }

  bind(descriptor: number, port = 0): number {
    const length = writeSockaddr(this.#bytes, 0, { family: 4, text: '127.0.0.1', port });
    checked('bind', this.sys.bind(descriptor, this.#region.address, length));
    this.words[sockaddrBytes >> 2] = sockaddrBytes;
    const { address } = this.#region;
    checked('getsockname', this.sys.getsockname(descriptor, address, address + sockaddrBytes));
    return readSockaddr(this.#bytes, 0).port;
  }

  connect(descriptor: number, port: number): number {
    const length = writeSockaddr(this.#bytes, 0, { family: 4, text: '127.0.0.1', port });
    return this.sys.connect(descriptor, this.#region.address, length);
  }

  setOption(descriptor: number, level: number, name: number, ...values: number[]): void {
    this.words.set(values);
    checked(
      'setsockopt',
      this.sys.setsockopt(descriptor, level, name, this.#region.address, 4 * values.length),
    );
  }

  option(descriptor: number, level: number, name: number): number {
    this.words[0] = 0;
    this.words[2] = 4;
    const { address } = this.#region;
    checked('getsockopt', this.sys.getsockopt(descriptor, level, name, address, address + 8));
    return this.words[0] ?? 0;
  }

  /** How many segments a TCP socket has been sent: tcpi_segs_in of struct tcp_info (linux/tcp.h). */
  segmentsReceived(descriptor: number): number {
    const lengthAt = 1024;
    this.words[lengthAt >> 2] = 256;
    const { address } = this.#region;
    checked(
      'getsockopt',
      this.sys.getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, address, address + lengthAt),
    );
    return this.words[140 >> 2] ?? 0;
  }

  listener(kind: number): { descriptor: number; port: number } {
    const descriptor = this.socket(AF_INET, kind);
    this.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    const port = this.bind(descriptor);
    checked('listen', this.sys.listen(descriptor, 16));
    return { descriptor, port };
  }

  unixListener(path: string, backlog: number): number {
    const descriptor = this.socket(AF_UNIX, SOCK_STREAM);
    const length = writeSockaddrUn(this.#bytes, 0, path);
    checked('bind', this.sys.bind(descriptor, this.address, length));
    checked('listen', this.sys.listen(descriptor, backlog));
    return descriptor;
  }

  connectUnix(descriptor: number, path: string): number {
    return this.sys.connect(descriptor, this.address, writeSockaddrUn(this.#bytes, 0, path));
  }

  accept(listener: number): number {
    return this.#keep(checked('accept4', this.sys.accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC)));
  }

  /** Two connected TCP sockets. */
  pair(kind: number): [client: number, server: number] {
    const { descriptor, port } = this.listener(kind);
    const client = this.socket(AF_INET, kind);
    this.connect(client, port);
    return [client, this.accept(descriptor)];
  }

  pipe(): [readEnd: number, writeEnd: number] {
    checked('pipe2', this.sys.pipe2(this.#region.address, O_CLOEXEC | O_NONBLOCK));
    return [this.#keep(this.words[0] ?? -1), this.#keep(this.words[1] ?? -1)];
  }

  epoll(): number {
    return this.#keep(checked('epoll_create1', this.sys.epoll.create()));
  }

  watch(epoll: number, descriptor: number, events: number): void {
    this.words[0] = events;
    this.words[layoutsOf().epollDataOffset >> 2] = descriptor;
    checked('epoll_ctl', this.sys.epoll.ctl(epoll, EPOLL_CTL_ADD, descriptor, this.#region.address));
  }

  unwatch(epoll: number, descriptor: number): void {
    checked('epoll_ctl', this.sys.epoll.ctl(epoll, EPOLL_CTL_DEL, descriptor, 0));
  }

  /** What epoll has to tell, at most one event: 0 where it has nothing. */
  events(epoll: number, ms = 0): number {
    const count = checked('epoll_wait', this.sys.epoll.wait(epoll, this.#region.address, 1, ms));
    return count === 0 ? 0 : (this.words[0] ?? 0);
  }

  /** True where a listener has a connection to accept. */
  awaits(listener: number): boolean {
    const epoll = checked('epoll_create1', this.sys.epoll.create());
    this.watch(epoll, listener, EPOLLIN);
    const events = this.events(epoll);
    this.sys.close(epoll);
    return events !== 0;
  }

  /** Bytes that are there to be read, without reading them; at most as many as `data` has room for. */
  waiting(descriptor: number): number {
    return Math.max(0, this.sys.recv(descriptor, this.data, this.dataBytes, MSG_PEEK));
  }

  send(descriptor: number, bytes: number, flags = 0): number {
    return this.sys.send(descriptor, this.data, bytes, MSG_NOSIGNAL | flags);
  }

  recv(descriptor: number, bytes: number): number {
    return this.sys.recv(descriptor, this.data, bytes, 0);
  }

  isOpen(descriptor: number): boolean {
    return this.sys.fcntl(descriptor, F_GETFD, 0) >= 0;
  }

  close(descriptor: number): void {
    this.#closed.add(descriptor);
    this.sys.close(descriptor);
  }

  /** Somebody else closes it. */
  disown(descriptor: number): void {
    this.#closed.add(descriptor);
  }

  #keep(descriptor: number): number {
    this.#closed.delete(descriptor);
    this.#scope.onEnd(() => {
      if (this.#closed.has(descriptor)) return;
      this.#closed.add(descriptor);
      this.sys.close(descriptor);
    });
    return descriptor;
  }
}

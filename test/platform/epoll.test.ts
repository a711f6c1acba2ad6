/** What the splice engine believes of epoll, sockets and pipes. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
} from '../../src/sys/epoll.js';
import { checked, Errno } from '../../src/sys/errno.js';
import { F_GETPIPE_SZ, F_SETPIPE_SZ, SPLICE_F_NONBLOCK } from '../../src/sys/fcntl.js';
import { IPPROTO_TCP, TCP_KEEPIDLE, TCP_NODELAY } from '../../src/sys/in.js';
import { mapRegion, unmapRegion } from '../../src/sys/mman.js';
import {
  AF_INET,
  AF_UNIX,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../src/sys/socket.js';
import { sleeper } from '../support/epoll-sleeper.js';
import { temporaryFolder } from '../support/folder.js';
import { describeWhere } from '../support/machine.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';
import { until } from '../support/until.js';

const everyEdge = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
const MSG_OOB = 1;

describeWhere(process.platform === 'linux', 'not Linux', 'the kernel', () => {
  const scope = useScope();
  let raw: RawSockets;
  beforeEach(() => {
    raw = new RawSockets(scope);
  });

  describe('edge-triggered', () => {
    test('a short read has drained a socket, and the next byte makes an edge', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, server, everyEdge);
      raw.send(client, 10);
      expect(raw.events(epoll, 1_000) & EPOLLIN).toBe(EPOLLIN);
      expect(raw.recv(server, 100)).toBe(10);
      expect(raw.events(epoll)).toBe(0);
      raw.send(client, 1);
      expect(raw.events(epoll, 1_000) & EPOLLIN).toBe(EPOLLIN);
    });

    test('where RDHUP was seen before a short read, that read has reached the FIN', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, server, everyEdge);
      raw.send(client, 10);
      raw.sys.shutdown(client, SHUT_WR);
      expect(raw.events(epoll, 1_000) & EPOLLRDHUP).toBe(EPOLLRDHUP);
      expect(raw.recv(server, 100)).toBe(10);
      expect(raw.recv(server, 100)).toBe(0);
    });

    test('a FIN that comes after a short read makes an edge of its own', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, server, everyEdge);
      raw.send(client, 10);
      expect(raw.events(epoll, 1_000) & (EPOLLIN | EPOLLRDHUP)).toBe(EPOLLIN);
      expect(raw.recv(server, 100)).toBe(10);
      raw.sys.shutdown(client, SHUT_WR);
      expect(raw.events(epoll, 1_000) & EPOLLRDHUP).toBe(EPOLLRDHUP);
      expect(raw.recv(server, 100)).toBe(0);
    });

    test('a FIN that is queued is told of before what came ahead of it is read, and then not again', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      raw.send(client, 10);
      raw.sys.shutdown(client, SHUT_WR);
      const epoll = raw.epoll();
      raw.watch(epoll, server, everyEdge);
      expect(raw.events(epoll, 1_000) & EPOLLRDHUP).toBe(EPOLLRDHUP);
      expect(raw.recv(server, 4)).toBe(4);
      expect(raw.events(epoll)).toBe(0);
      expect(raw.recv(server, 100)).toBe(6);
      expect(raw.recv(server, 100)).toBe(0);
    });

    test('an epoll that a socket is put in anew tells of all that is there, also of what another had told', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const [first, second, third] = [raw.epoll(), raw.epoll(), raw.epoll()];
      raw.watch(first, server, everyEdge);
      raw.send(client, 10);
      expect(raw.events(first, 1_000)).toBe(EPOLLIN | EPOLLOUT);
      raw.unwatch(first, server);
      raw.watch(second, server, everyEdge);
      expect(raw.events(second, 1_000)).toBe(EPOLLIN | EPOLLOUT);
      raw.unwatch(second, server);
      raw.sys.shutdown(client, SHUT_WR);
      raw.watch(third, server, everyEdge);
      expect(raw.events(third, 1_000)).toBe(EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    });

    test('an urgent byte cuts a read short, and EPOLLPRI tells of it', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, server, everyEdge | EPOLLPRI);
      raw.send(client, 10);
      checked('send', raw.sys.send(client, raw.data, 1, MSG_OOB));
      raw.send(client, 10);
      let seen = 0;
      while ((seen & EPOLLPRI) === 0) seen |= raw.events(epoll, 1_000);
      expect(raw.recv(server, 100)).toBe(10);
      expect(raw.recv(server, 100)).toBe(10);
    });

    test('a send cut short is told of when there is room again', () => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, client, EPOLLOUT | EPOLLET);
      expect(raw.events(epoll, 1_000)).toBe(EPOLLOUT);
      while (raw.send(client, raw.dataBytes) === raw.dataBytes);
      expect(raw.events(epoll)).toBe(0);
      while (raw.recv(server, raw.dataBytes) > 0);
      expect(raw.events(epoll, 1_000)).toBe(EPOLLOUT);
    });
  });

  test('splice says EAGAIN for an empty socket and for a full pipe alike', () => {
    const [client, server] = raw.pair(SOCK_STREAM);
    const [, writeEnd] = raw.pipe();
    const splice = () => raw.sys.splice(server, 0, writeEnd, 0, raw.dataBytes, SPLICE_F_NONBLOCK);
    expect([splice(), raw.sys.errno()]).toEqual([-1, Errno.EAGAIN]);
    while (raw.send(client, raw.dataBytes) > 0);
    while (splice() > 0);
    expect(raw.sys.errno()).toBe(Errno.EAGAIN);
    expect(raw.recv(server, 1)).toBe(1);
  });

  test('a pipe takes the size asked for', () => {
    const [, writeEnd] = raw.pipe();
    expect(raw.sys.fcntl(writeEnd, F_SETPIPE_SZ, 256 * 1024)).toBe(256 * 1024);
    expect(raw.sys.fcntl(writeEnd, F_GETPIPE_SZ, 0)).toBe(256 * 1024);
  });

  test('close with linger 0 is a reset', () => {
    const [client, server] = raw.pair(SOCK_STREAM);
    const epoll = raw.epoll();
    raw.watch(epoll, server, everyEdge);
    raw.setOption(client, SOL_SOCKET, SO_LINGER, 1, 0);
    raw.close(client);
    expect(raw.events(epoll, 1_000) & (EPOLLERR | EPOLLHUP)).toBe(EPOLLERR | EPOLLHUP);
    expect([raw.recv(server, 1), raw.sys.errno()]).toEqual([-1, Errno.ECONNRESET]);
  });

  test.each([
    ['a reset', 'ECONNRESET', (server: number) => server],
    ['a reset behind a FIN', 'EPIPE', (server: number) => raw.sys.shutdown(server, SHUT_WR)],
  ] as const)(
    '%s fails the next send with %s, and what came before is still to be read',
    (_what, errno, before) => {
      const [client, server] = raw.pair(SOCK_STREAM);
      const epoll = raw.epoll();
      raw.watch(epoll, client, everyEdge);
      raw.send(server, 10);
      before(server);
      raw.setOption(server, SOL_SOCKET, SO_LINGER, 1, 0);
      raw.close(server);
      while ((raw.events(epoll, 1_000) & EPOLLERR) === 0);
      expect([raw.send(client, 1), raw.sys.errno()]).toEqual([-1, Errno[errno]]);
      expect([raw.recv(client, 100), raw.recv(client, 100)]).toEqual([10, 0]);
    },
  );

  test('an accepted socket has the options of its listener', () => {
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    raw.setOption(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    raw.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
    raw.setOption(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    raw.connect(raw.socket(AF_INET, SOCK_STREAM), port);
    const accepted = raw.accept(descriptor);
    expect(raw.option(accepted, IPPROTO_TCP, TCP_NODELAY)).toBe(1);
    expect(raw.option(accepted, SOL_SOCKET, SO_KEEPALIVE)).toBe(1);
    expect(raw.option(accepted, IPPROTO_TCP, TCP_KEEPIDLE)).toBe(77);
  });

  test('adding a listener, exclusive or not, tells of a connection that is there already', () => {
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    raw.connect(raw.socket(AF_INET, SOCK_STREAM), port);
    for (const events of [EPOLLIN, EPOLLIN | EPOLLEXCLUSIVE]) {
      const epoll = raw.epoll();
      raw.watch(epoll, descriptor, events);
      expect(raw.events(epoll, 1_000)).toBe(EPOLLIN);
    }
  });

  describe('a listener in two epolls, EPOLLEXCLUSIVE in both', () => {
    function twoEpolls() {
      const { descriptor, port } = raw.listener(SOCK_STREAM);
      const epolls = [raw.epoll(), raw.epoll()] as const;
      for (const epoll of epolls) raw.watch(epoll, descriptor, EPOLLIN | EPOLLEXCLUSIVE);
      return { descriptor, epolls, connect: () => raw.connect(raw.socket(AF_INET, SOCK_STREAM), port) };
    }

    test('is another’s once it has left one', () => {
      const { descriptor, epolls, connect } = twoEpolls();
      const [first, second] = epolls;
      raw.unwatch(first, descriptor);
      connect();
      expect([raw.events(first), raw.events(second, 1_000)]).toEqual([0, EPOLLIN]);
      raw.unwatch(second, descriptor);
      raw.watch(first, descriptor, EPOLLIN | EPOLLEXCLUSIVE);
      expect(raw.events(first, 1_000)).toBe(EPOLLIN);
    });

    test('says EAGAIN to whoever comes second', () => {
      const { descriptor, epolls, connect } = twoEpolls();
      connect();
      expect(Math.max(...epolls.map((epoll) => raw.events(epoll, 1_000)))).toBe(EPOLLIN);
      raw.accept(descriptor);
      expect([raw.sys.accept4(descriptor, 0, 0, SOCK_CLOEXEC), raw.sys.errno()]).toEqual([-1, Errno.EAGAIN]);
    });

    test('wakes the one of two that sleep which had it first, and last the one that had it anew', async () => {
      const { descriptor, epolls, connect } = twoEpolls();
      const [first, second] = epolls;
      const [one, another] = [await sleeper(first), await sleeper(second)];
      connect();
      await until('one to be woken', () => one.woken || another.woken);
      expect([one.woken, another.woken]).toEqual([true, false]);
      raw.accept(descriptor);
      raw.unwatch(first, descriptor);
      raw.watch(first, descriptor, EPOLLIN | EPOLLEXCLUSIVE);
      const again = await sleeper(first);
      connect();
      await until('one to be woken', () => again.woken || another.woken);
      expect([again.woken, another.woken]).toEqual([false, true]);
      // The last one of them is still asleep.
      connect();
      await until('the other to be woken', () => again.woken);
    });

    test('cannot be changed there, only taken out and put in anew', () => {
      const { descriptor, epolls } = twoEpolls();
      const EPOLL_CTL_MOD = 3;
      raw.words[0] = EPOLLIN;
      const changed = raw.sys.epoll.ctl(epolls[0], EPOLL_CTL_MOD, descriptor, raw.address);
      expect([changed, raw.sys.errno()]).toEqual([-1, Errno.EINVAL]);
    });
  });

  test('a unix listener whose queue is full says EAGAIN, and takes more when one was accepted', () => {
    const path = join(temporaryFolder(scope), 'full.sock');
    const listener = raw.unixListener(path, 0);
    const dial = () => {
      const result = raw.connectUnix(raw.socket(AF_UNIX, SOCK_STREAM), path);
      return result < 0 ? raw.sys.errno() : 0;
    };
    let queued = 0;
    while (dial() === 0) queued += 1;
    expect(queued).toBeGreaterThan(0);
    expect(dial()).toBe(Errno.EAGAIN);
    raw.accept(listener);
    expect([dial(), dial()]).toEqual([0, Errno.EAGAIN]);
  });

  test('a closed descriptor is in no epoll any more', () => {
    const [client, server] = raw.pair(SOCK_STREAM);
    const epoll = raw.epoll();
    raw.watch(epoll, server, EPOLLIN);
    raw.send(client, 1);
    raw.close(server);
    expect(raw.events(epoll)).toBe(0);
  });

  test("a connected UDP socket's call tells of an earlier datagram's refusal", () => {
    const target = raw.socket(AF_INET, SOCK_DGRAM);
    const port = raw.bind(target);
    raw.close(target);
    const client = raw.socket(AF_INET, SOCK_DGRAM);
    expect(raw.connect(client, port)).toBe(0);
    expect(raw.send(client, 1)).toBe(1);
    expect([raw.send(client, 1), raw.sys.errno()]).toEqual([-1, Errno.ECONNREFUSED]);
    expect(raw.send(client, 1)).toBe(1);
  });

  test('an empty datagram is a datagram', () => {
    const target = raw.socket(AF_INET, SOCK_DGRAM);
    const port = raw.bind(target);
    const client = raw.socket(AF_INET, SOCK_DGRAM);
    raw.connect(client, port);
    expect(raw.send(client, 0)).toBe(0);
    expect(raw.recv(target, 10)).toBe(0);
    expect([raw.recv(target, 10), raw.sys.errno()]).toEqual([-1, Errno.EAGAIN]);
  });

  test('addresses are whole numbers in a double', () => {
    const region = mapRegion(1 << 20);
    expect(Number.isSafeInteger(region.address)).toBe(true);
    unmapRegion(region);
  });

  test('errno is that of the last call that failed', () => {
    raw.sys.close(-1);
    expect(raw.sys.errno()).toBe(9);
    raw.recv(raw.socket(AF_INET, SOCK_DGRAM), 1);
    expect(raw.sys.errno()).toBe(Errno.EAGAIN);
  });
});

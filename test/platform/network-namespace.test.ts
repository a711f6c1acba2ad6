/** What the netns targets believe of setns(2), and visits to namespaces. */
import { readdirSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { NetworkNamespaces } from '../../src/sys/network-namespace.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_STREAM } from '../../src/sys/socket.js';
import { describeWhere } from '../support/machine.js';
import { networkNamespace, whyNoNamespaces } from '../support/namespaces.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';

const own = () => readlinkSync('/proc/thread-self/ns/net');
const why = whyNoNamespaces();

describeWhere(why === undefined, why ?? '', 'a visit to a network namespace', () => {
  const scope = useScope();

  test('changes the calling thread alone, and ends with the work', async () => {
    const blue = networkNamespace(scope);
    const namespaces = new NetworkNamespaces();
    scope.onEnd(() => namespaces.close());
    const before = own();
    let another = '';
    const inside = namespaces.within(blue.path, () => {
      another = readlinkSync(`/proc/${process.pid}/task/${otherThread()}/ns/net`);
      return own();
    });
    expect(inside).not.toBe(before);
    expect(another).toBe(before);
    expect(own()).toBe(before);
    // A thread that is started later is in the main thread's namespace, too.
    const worker = new Worker(
      `require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self/ns/net'))`,
      { eval: true },
    );
    expect(await new Promise((resolve) => worker.once('message', resolve))).toBe(before);
    await worker.terminate();
  });

  test('leaves a socket in the namespace where it was made', () => {
    const [blue, green] = [networkNamespace(scope), networkNamespace(scope)];
    const raw = new RawSockets(scope);
    const namespaces = new NetworkNamespaces();
    scope.onEnd(() => namespaces.close());
    const { port } = namespaces.within(blue.path, () => raw.listener(SOCK_STREAM));
    const dialIn = (path: string | undefined) => {
      const make = () => raw.socket(AF_INET, SOCK_STREAM);
      const descriptor = path === undefined ? make() : namespaces.within(path, make);
      raw.connect(descriptor, port);
      return raw.option(descriptor, 1, 4);
    };
    // Over loopback a connect that does not block is answered at once: SO_ERROR is its result.
    expect(dialIn(blue.path)).toBe(0);
    expect(dialIn(green.path)).toBe(111);
    expect(dialIn(undefined)).toBe(111);
  });

  test('comes back when the work throws', () => {
    const blue = networkNamespace(scope);
    const namespaces = new NetworkNamespaces();
    scope.onEnd(() => namespaces.close());
    const before = own();
    const work = () => {
      throw new Error('the work failed');
    };
    expect(() => namespaces.within(blue.path, work)).toThrow('the work failed');
    expect(own()).toBe(before);
  });

  test.each([
    ['a path that is not there', '/run/netns/no-such-namespace', 'ENOENT'],
    ['a file of another kind', '/etc/passwd', 'EINVAL'],
    ["another kind of namespace's file", '/proc/self/ns/uts', 'EINVAL'],
  ])('is refused for %s', (_what, path, code) => {
    const namespaces = new NetworkNamespaces();
    scope.onEnd(() => namespaces.close());
    expect(() => namespaces.within(path, () => undefined)).toThrow(expect.objectContaining({ code }));
  });

  test('keeps nothing open but the thread’s own namespace', () => {
    const blue = networkNamespace(scope);
    const calls = openSyscalls();
    const lowestFree = () => {
      const descriptor = calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      calls.close(descriptor);
      return descriptor;
    };
    const namespaces = new NetworkNamespaces();
    const before = lowestFree();
    namespaces.within(blue.path, () => undefined);
    const after = lowestFree();
    for (let visit = 0; visit < 10; visit += 1) namespaces.within(blue.path, () => undefined);
    expect(() => namespaces.within('/etc/passwd', () => undefined)).toThrow();
    expect(lowestFree()).toBe(after);
    namespaces.close();
    expect(lowestFree()).toBe(before);
  });
});

function otherThread(): string {
  const self = readlinkSync('/proc/thread-self').split('/').pop();
  const other = readdirSync('/proc/self/task').find((task) => task !== self);
  if (other === undefined) throw new Error('node has only one thread');
  return other;
}

/** What the splice engine believes of UDP_SEGMENT and UDP_GRO (udp(7)): datagrams that cross the kernel as one message. */
import { expect, test } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { Errno } from '../../src/sys/errno.js';
import { IPPROTO_UDP } from '../../src/sys/in.js';
import { NetworkNamespaces } from '../../src/sys/network-namespace.js';
import { AF_INET, AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from '../../src/sys/socket.js';
import { UDP_GRO, UDP_SEGMENT } from '../../src/sys/udp.js';
import { describeWhere } from '../support/machine.js';
import { networkNamespace, whyNoNamespaces } from '../support/namespaces.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';
import { datagramsOf, SegmentPeer } from '../support/segment-peers.js';

const onLinux = process.platform === 'linux';
const why = whyNoNamespaces();

describeWhere(onLinux, 'not Linux', 'a message of several datagrams', () => {
  const scope = useScope();

  const pair = (whole: boolean) => {
    const [sender, receiver] = [new SegmentPeer(scope, { whole: false }), new SegmentPeer(scope, { whole })];
    sender.connect(receiver.port);
    return { sender, receiver };
  };

  test('is cut apart for who knows nothing of it, and the last datagram may be shorter', async () => {
    const { sender, receiver } = pair(false);
    const datagrams = datagramsOf(3, 100, 50);
    expect(sender.send(datagrams)).toBe(250);
    expect(await receiver.datagrams(3)).toEqual(datagrams);
    expect(receiver.receive()).toHaveLength(3);
  });

  test('stays whole for who has UDP_GRO set, and is told with the size of its datagrams', async () => {
    const { sender, receiver } = pair(true);
    const datagrams = datagramsOf(3, 100, 50);
    sender.send(datagrams);
    expect(await receiver.datagrams(3)).toEqual(datagrams);
    expect(receiver.receive()).toHaveLength(1);
  });

  test('is not made of datagrams that were sent one by one', async () => {
    const { sender, receiver } = pair(true);
    const datagrams = datagramsOf(3, 100);
    for (const datagram of datagrams) sender.send([datagram]);
    expect(await receiver.datagrams(3)).toEqual(datagrams);
    expect(receiver.receive()).toHaveLength(3);
  });

  test('may have as many datagrams, and as many bytes, as the limits say', async () => {
    const { sender, receiver } = pair(true);
    const most = limits.segmentsPerMessage;
    expect(sender.send(datagramsOf(most, 10))).toBe(10 * most);
    expect(await receiver.datagrams(most)).toHaveLength(most);
    expect(receiver.receive()).toHaveLength(1);
    const half = Math.ceil(limits.messageBytes / 2);
    expect(sender.send(datagramsOf(2, half, limits.messageBytes - half))).toBe(limits.messageBytes);
    expect(await receiver.datagrams(most + 2)).toHaveLength(most + 2);
    expect(sender.send(datagramsOf(2, half))).toBe(-1);
    expect(sender.raw.sys.errno()).toBe(Errno.EMSGSIZE);
  });

  test('is a thing of UDP alone: other datagram sockets do not have the option', () => {
    const raw = new RawSockets(scope);
    const unix = raw.socket(AF_UNIX, SOCK_DGRAM);
    expect(() => raw.setOption(unix, IPPROTO_UDP, UDP_GRO, 1)).toThrow(/setsockopt/);
  });
});

describeWhere(
  onLinux && why === undefined,
  why ?? 'not Linux',
  'a way that is too narrow for its datagrams',
  () => {
    const scope = useScope();

    test('refuses the message, and takes each datagram by itself', () => {
      const narrow = networkNamespace(scope);
      narrow.ip('link', 'set', 'lo', 'mtu', '1500');
      const raw = new RawSockets(scope);
      const socket = () => raw.sys.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const namespaces = new NetworkNamespaces();
      const [receiver, sender] = [namespaces.make(narrow.path, socket), namespaces.make(narrow.path, socket)];
      namespaces.close();
      scope.onEnd(() => {
        raw.close(receiver);
        raw.close(sender);
      });
      raw.connect(sender, raw.bind(receiver));
      raw.setOption(sender, IPPROTO_UDP, UDP_SEGMENT, 4_000);
      expect(raw.send(sender, 8_000)).toBe(-1);
      expect([Errno.EINVAL, Errno.EMSGSIZE]).toContain(raw.sys.errno());
      raw.setOption(sender, IPPROTO_UDP, UDP_SEGMENT, 0);
      expect(raw.send(sender, 4_000)).toBe(4_000);
      expect(raw.recv(receiver, 8_000)).toBe(4_000);
    });
  },
);

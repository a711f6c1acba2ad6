/** What the splice engine believes of IP_PKTINFO and IPV6_PKTINFO (ip(7), ipv6(7)): who was spoken to, and who answers. */
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { Arena } from '../../src/engine/splice/arena.js';
import { batchArenaBytes, DatagramBatch } from '../../src/engine/splice/datagram-batch.js';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { localWords } from '../../src/engine/splice/udp-association.js';
import { descriptorBinder } from '../../src/listener/descriptor-binder.js';
import { Errno } from '../../src/sys/errno.js';
import { sockaddrIn6Bytes, sockaddrInBytes, writeSockaddr } from '../../src/sys/sockaddr.js';
import { MSG_DONTWAIT } from '../../src/sys/socket.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { canMakeNamespaces } from '../support/namespace.js';
import { useScope } from '../support/scope.js';
import { endpointOf } from '../support/tcp-peers.js';
import { udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';

/** An address as the control data has it. */
function localOf(family: 4 | 6, text: string): Int32Array {
  const memory = new Uint8Array(sockaddrIn6Bytes);
  writeSockaddr(memory, 0, { family, text, port: 0 });
  const local = new Int32Array(localWords);
  if (family === 4) local.set(new Int32Array(memory.slice(4, 8).buffer));
  else local.set(new Int32Array(memory.slice(8, 24).buffer));
  return local;
}

const families = [
  {
    family: 4,
    wildcard: '0.0.0.0',
    ours: ['127.0.0.2', '127.0.0.3'],
    client: '127.0.0.1',
    foreign: '192.0.2.1',
  },
  { family: 6, wildcard: '::', ours: ['fd53:1::2', 'fd53:1::3'], client: '::1', foreign: '2001:db8::1' },
] as const;

describeWhere(hasIpv6 && canMakeNamespaces, 'not root, or no IPv6', 'the local address of a datagram', () => {
  const scope = useScope();
  const sys = openSyscalls();

  test.each(families)('is told, and chooses where the reply leaves from: IPv$family', async (facts) => {
    const { family, wildcard, ours, client: clientHost, foreign } = facts;
    if (family === 6) {
      for (const address of ours) {
        execFileSync('ip', ['-6', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad']);
        scope.onEnd(() => execFileSync('ip', ['-6', 'address', 'del', `${address}/128`, 'dev', 'lo']));
      }
    }
    const listener = await descriptorBinder().bind('udp', endpointOf(wildcard, 0));
    scope.onEnd(() => listener.close());
    const batch = new DatagramBatch(new Arena(batchArenaBytes));
    const client = await udpPeer(scope, clientHost);
    const header = batch.headerAddress(0);
    const nameLength = family === 6 ? sockaddrIn6Bytes : sockaddrInBytes;
    const [spokenTo, other] = ours;
    batch.prepareReceive(0, 1, true, true);
    // The kernel is not always done with an address that was added when the command is.
    await until('a datagram', () => {
      client.send('who is there', endpointOf(spokenTo, listener.endpoint.port));
      return sys.recvmmsg(listener.descriptor, header, 1, MSG_DONTWAIT, 0) === 1;
    });
    const local = new Int32Array(localWords);
    expect(batch.readLocal(0, family, local)).toBe(true);
    expect(local.subarray(0, 4)).toEqual(localOf(family, spokenTo).subarray(0, 4));
    const answerFrom = (source: Int32Array) => {
      batch.prepareSend(0, batch.length(0), nameLength, batch.writeLocal(0, family, source));
      return sys.sendmmsg(listener.descriptor, header, 1, MSG_DONTWAIT);
    };
    expect(answerFrom(local)).toBe(1);
    expect((await client.next()).from.address).toBe(spokenTo);
    await until('the other address to answer', () => answerFrom(localOf(family, other)) === 1);
    expect((await client.next()).from.address).toBe(other);
    // One that is not ours is no answer at all.
    const refused = [answerFrom(localOf(family, foreign)), sys.errno()];
    expect([
      [-1, Errno.EINVAL],
      [-1, Errno.ENETUNREACH],
    ]).toContainEqual(refused);
  });
});

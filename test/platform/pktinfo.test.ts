/** What the splice engine believes of IP_PKTINFO and IPV6_PKTINFO (ip(7), ipv6(7)): who was spoken to, and who answers. */
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { Arena } from '../../src/engine/splice/arena.js';
import { DatagramBatch, datagramArenaBytes } from '../../src/engine/splice/datagram-batch.js';
import { MessageBatch, messageArenaBytes } from '../../src/engine/splice/message-batch.js';
import { openSyscalls } from '../../src/engine/splice/syscalls.js';
import { localWords, nameWords, UdpAssociation } from '../../src/engine/splice/udp-association.js';
import { descriptorBinder } from '../../src/listener/descriptor-binder.js';
import { Errno } from '../../src/sys/errno.js';
import { sockaddrIn6Bytes, writeSockaddr } from '../../src/sys/sockaddr.js';
import { describeWhere, hasIpv6 } from '../support/machine.js';
import { canMakeNamespaces, makeNamespace } from '../support/namespace.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';
import { endpointOf } from '../support/tcp-peers.js';
import { echo, udpPeer } from '../support/udp-peers.js';
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
    const arena = new Arena(datagramArenaBytes + messageArenaBytes);
    const batch = new DatagramBatch(sys, arena, true);
    const messages = new MessageBatch(sys, arena, batch);
    const client = await udpPeer(scope, clientHost);
    const [spokenTo, other] = ours;
    // The kernel is not always done with an address that was added when the command is.
    await until('a datagram', () => {
      client.send('who is there', endpointOf(spokenTo, listener.endpoint.port));
      return batch.receive(listener.descriptor, 0) > 0;
    });
    const local = new Int32Array(localWords);
    expect(batch.readLocal(0, family, local)).toBe(true);
    // Without its interface: a client whose route moves to another one is the same client.
    expect(local).toEqual(localOf(family, spokenTo));
    const name = arena.words.slice(batch.nameWord(0), batch.nameWord(0) + nameWords);
    const nobody = { fromTarget: () => {}, fault: () => {} };
    const association = new UdpAssociation(0, name, local, 0, nobody);
    /** Gives the errno of an answer that was not sent, 0 for one that was. */
    const answerFrom = (source: Int32Array) => {
      let failure = 0;
      messages.add(0, association, false);
      messages.to(name, family);
      messages.from(source, family);
      messages.send(listener.descriptor, {
        notSent: (_, errno) => {
          failure = errno;
        },
        takesNoSegments: () => {},
      });
      return failure;
    };
    expect(answerFrom(local)).toBe(0);
    expect((await client.next()).from.address).toBe(spokenTo);
    await until('the other address to answer', () => answerFrom(localOf(family, other)) === 0);
    expect((await client.next()).from.address).toBe(other);
    // One that is not ours is no answer at all.
    expect([Errno.EINVAL, Errno.ENETUNREACH]).toContain(answerFrom(localOf(family, foreign)));
  });

  test('of a multicast group is its interface alone, for nothing can leave from a group', async () => {
    const namespace = makeNamespace(scope);
    const target = await udpPeer(scope, namespace.outside, echo);
    const sluice = await runSluice(
      scope,
      ['--engine', 'splice', '-p', `[::]:53:${target.endpoint.port}/udp`, namespace.outside],
      1,
      { within: namespace.enter },
    );
    const client = await udpPeer(scope, '::');
    // Link-local addresses are there once nobody else was found to have them.
    await until('an answer from an address of its own', () => {
      client.send('who is there', endpointOf(`ff02::1%${namespace.link}`, 53));
      return client.received.length > 0;
    });
    expect((await client.next()).from.address).toMatch(/^fe80::/);
    expect((await sluice.stop()).code).toBe(0);
  });
});

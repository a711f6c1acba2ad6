import { describe, expect, test } from '@jest/globals';
import type { Listener } from '../../src/engine/engine.js';
import type { Adopt } from '../../src/listener/binder.js';
import { descriptorAdopter } from '../../src/listener/descriptor-adopter.js';
import { nodeAdopt } from '../../src/listener/node-binder.js';
import { AF_INET, SO_ACCEPTCONN, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../../src/sys/socket.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';
import { dialError } from '../support/tcp-peers.js';

const scope = useScope();

const adopters: { engine: string; adopt: Adopt<Listener> }[] = [
  { engine: 'splice', adopt: descriptorAdopter() },
  { engine: 'stream', adopt: nodeAdopt },
];

describe.each(adopters)('the $engine engine is given a socket that', ({ adopt }) => {
  test('listens for TCP, and it goes on listening until it is closed', async () => {
    const raw = new RawSockets(scope);
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    const listener = await adopt('tcp', descriptor, 4);
    raw.disown(descriptor);
    expect(listener).toMatchObject({ protocol: 'tcp', endpoint: { ip: { text: '127.0.0.1' }, port } });
    expect(raw.option(descriptor, SOL_SOCKET, SO_ACCEPTCONN)).toBe(1);
    await listener.close();
    expect(await dialError(scope, port)).toBe('ECONNREFUSED');
  });

  test('is bound for UDP', async () => {
    const raw = new RawSockets(scope);
    const descriptor = raw.socket(AF_INET, SOCK_DGRAM);
    const port = raw.bind(descriptor);
    const listener = await adopt('udp', descriptor, 4);
    raw.disown(descriptor);
    expect(listener).toMatchObject({ protocol: 'udp', endpoint: { ip: { text: '127.0.0.1' }, port } });
    await listener.close();
  });

  test.each(['tcp', 'udp'] as const)('is a pipe, and says so of it for %s', async (protocol) => {
    const [descriptor] = new RawSockets(scope).pipe();
    await expect(adopt(protocol, descriptor, 4)).rejects.toMatchObject({
      code: 'SLUICE_BIND_FAILED',
      message: expect.stringContaining(`descriptor ${descriptor} is no`),
    });
  });
});

/** Listeners inside a namespace that comes and goes, as a test says. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import pino from 'pino';
import type { Listener, Service } from '../../src/engine/engine.js';
import { type InsideListener, ListenNamespace } from '../../src/instance/listen-namespace.js';
import type { PublishedService } from '../../src/instance/published.js';
import { limits } from '../../src/limits.js';
import type { FollowedNamespace, NamespaceEvents } from '../../src/target/netns-follower.js';
import { FakeBinder } from '../support/fake-binder.js';
import { mappingsOf } from '../support/mappings.js';

/** A namespace that is there until told otherwise. */
class FakeNamespace implements FollowedNamespace {
  readonly path = '/run/netns/blue';
  readonly lost = false;
  there = true;
  closed = false;
  events: NamespaceEvents | undefined;

  readonly follow = async (events: NamespaceEvents): Promise<FollowedNamespace> => {
    this.events = events;
    return this;
  };

  end(): void {
    this.there = false;
    this.events?.gone();
  }

  come(): void {
    this.there = true;
    this.events?.came();
  }

  close(): void {
    this.closed = true;
  }
}

async function listening(binder: FakeBinder) {
  const namespace = new FakeNamespace();
  const said: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => said.push(String(JSON.parse(line).msg)) });
  const [mapping] = mappingsOf('127.0.0.1:80:80');
  if (mapping === undefined) throw new Error('unreachable');
  const endpoint = { ip: { family: 4, text: '127.0.0.1' }, port: 80 } as const;
  const state = { served: 0, wanted: true };
  const serviceOf = (listener: Listener): PublishedService => {
    state.served += 1;
    const service = { close: () => listener.close() } as unknown as Service;
    return { endpoint, service, number: state.served };
  };
  let service = serviceOf(await binder.bind('tcp', endpoint));
  const inside = (): InsideListener<Listener> => ({
    mapping,
    service,
    wanted: () => state.wanted,
    serve: (listener) => {
      service = serviceOf(listener);
    },
  });
  const listen = new ListenNamespace<Listener>(
    { kind: 'path', path: namespace.path },
    { binder, log, listeners: () => [inside()] },
  );
  await listen.open(namespace.follow);
  return { namespace, listen, state, said };
}

/** Lets what waits for nothing but its turn have it. */
const turns = () => jest.advanceTimersByTimeAsync(0);

describe('a listener inside a namespace', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is closed when that ends, and bound again when it is there again', async () => {
    const binder = new FakeBinder();
    const { namespace, state, said } = await listening(binder);
    namespace.end();
    await turns();
    expect(binder.bound.size).toBe(0);
    expect(state.served).toBe(1);
    namespace.come();
    await turns();
    expect([...binder.bound]).toEqual(['tcp 127.0.0.1:80']);
    expect(state.served).toBe(2);
    expect(said).toEqual([
      'netns:/run/netns/blue has ended: nothing listens inside until it comes back, and the flows from there are ended',
      'listening inside netns:/run/netns/blue again',
    ]);
  });

  it('is bound anew where that was replaced before the listener was served', async () => {
    const binder = new FakeBinder();
    const { listen, state, said } = await listening(binder);
    listen.bindAnew();
    await turns();
    expect(binder.asked).toHaveLength(2);
    expect(binder.bound.size).toBe(1);
    expect(state.served).toBe(2);
    expect(said).toEqual(['listening inside netns:/run/netns/blue again']);
  });

  it('is bound once, however often it is told that the namespace is there', async () => {
    const binder = new FakeBinder();
    const { namespace, listen, state, said } = await listening(binder);
    namespace.end();
    namespace.come();
    listen.bindAnew();
    namespace.come();
    await turns();
    expect(binder.asked).toHaveLength(2);
    expect(state.served).toBe(2);
    expect(said.filter((message) => message.includes('again'))).toHaveLength(1);
  });

  it('is not bound again where its mapping was unpublished meanwhile', async () => {
    const binder = new FakeBinder();
    const { namespace, state } = await listening(binder);
    namespace.end();
    state.wanted = false;
    namespace.come();
    await turns();
    expect(binder.asked).toHaveLength(1);
    expect(binder.bound.size).toBe(0);
  });

  it('is tried again where it cannot be bound yet, which is told once', async () => {
    let addressThere = true;
    const binder = new FakeBinder(() => (addressThere ? undefined : 'EADDRNOTAVAIL'));
    const { namespace, said } = await listening(binder);
    addressThere = false;
    namespace.end();
    namespace.come();
    await jest.advanceTimersByTimeAsync(3 * limits.namespaceLookMs);
    expect(binder.bound.size).toBe(0);
    addressThere = true;
    await jest.advanceTimersByTimeAsync(limits.namespaceLookMs);
    expect(binder.bound.size).toBe(1);
    expect(said.filter((message) => message.includes('it is tried again'))).toHaveLength(1);
  });

  it('is bound no more once its instance stops', async () => {
    const binder = new FakeBinder();
    const { namespace, listen } = await listening(binder);
    namespace.end();
    listen.close();
    namespace.come();
    await turns();
    expect(binder.asked).toHaveLength(1);
    expect(namespace.closed).toBe(true);
  });
});

import type { Service } from '../../src/engine/engine.js';
import { fixedShards } from '../../src/engine/shard-plan.js';
import { SharedClock } from '../../src/engine/splice/shared-clock.js';
import { SpliceEngine } from '../../src/engine/splice/splice-engine.js';
import type { SpliceListener } from '../../src/engine/splice/splice-listener.js';
import { descriptorBinder } from '../../src/listener/descriptor-binder.js';
import { checked } from '../../src/sys/errno.js';
import { mapRegion } from '../../src/sys/mman.js';
import { writeSockaddr } from '../../src/sys/sockaddr.js';
import { AF_INET, SOCK_CLOEXEC, SOCK_STREAM, socketCalls } from '../../src/sys/socket.js';
import { unistd } from '../../src/sys/unistd.js';
import { bench } from '../bounds.js';
import { missingKoffi } from '../peers/sluice.js';
import { loopback } from '../ports.js';
import type { OpenPart, Part } from './part.js';

/** Fewer than any queue of connections holds. */
const times = 64;

/**
 * From a client's connect until one shard has accepted the connection and dialled: with what the client's own system
 * calls take, while the shard is at work on those before.
 */
export const acceptFlow: Part = {
  name: 'accepting a flow, the connect of its client included',
  missing: missingKoffi,
  open,
};

const route = {
  ...{ waitMs: 0, connectTimeoutMs: 10_000, idleTimeoutMs: undefined, udpUnansweredTimeoutMs: 30_000 },
  ...{ udpTimeoutMs: 90_000, maxFlows: 4_096 },
};

async function open(): Promise<OpenPart> {
  const binder = descriptorBinder();
  const bind = () => binder.bind('tcp', { ip: { family: 4, text: loopback }, port: 0 });
  const [published, target] = [await bind(), await bind()];
  const options = {
    maxFlows: 4_096,
    onFlowEnds: undefined,
    onTrouble: fail,
    onGrowth: fail,
    clock: new SharedClock(),
    shards: fixedShards(1),
  };
  const engine = new SpliceEngine(options);
  const targets = [{ kind: 'ip', ...target.endpoint } as const];
  const service = engine.serve(published, { ...route, targets }, 0);
  const clients = new Clients(published, target, service);
  return {
    times,
    run: () => clients.connectAll(),
    clear: () => clients.closeAll(),
    close: async () => {
      await service.close();
      await engine.close();
      await target.close();
    },
  };
}

class Clients {
  readonly #calls = { ...socketCalls(), ...unistd() };
  readonly #target: SpliceListener;
  readonly #service: Service;
  readonly #address: number;
  readonly #addressBytes: number;
  #open: number[] = [];
  #all = 0;

  constructor(published: SpliceListener, target: SpliceListener, service: Service) {
    const region = mapRegion(4_096);
    const { port } = published.endpoint;
    this.#target = target;
    this.#service = service;
    this.#address = region.address;
    this.#addressBytes = writeSockaddr(new Uint8Array(region.buffer), 0, { family: 4, text: loopback, port });
  }

  connectAll(): void {
    for (let client = 0; client < times; client += 1) {
      const socket = checked('socket', this.#calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      this.#open.push(socket);
      checked('connect', this.#calls.connect(socket, this.#address, this.#addressBytes));
    }
    this.#all += times;
    this.#spinUntil(() => this.#service.counters().flowsOpened === this.#all);
  }

  /** Both ends finish, and so does the flow. */
  closeAll(): void {
    for (const socket of this.#open) this.#calls.close(socket);
    this.#open = [];
    this.#spinUntil(() => {
      this.#closeOneAtTarget();
      return this.#service.counters().flowsEnded === this.#all;
    });
  }

  #closeOneAtTarget(): void {
    const taken = this.#calls.accept4(this.#target.descriptor, 0, 0, SOCK_CLOEXEC);
    if (taken >= 0) this.#calls.close(taken);
  }

  /** The shard works on a thread of its own, and nothing else is to be done on this one. */
  #spinUntil(holds: () => boolean): void {
    const deadlineMs = performance.now() + bench.readyMs;
    while (!holds()) {
      if (performance.now() > deadlineMs) throw new Error('the engine does not take its connections');
    }
  }
}

function fail(trouble: string): never {
  throw new Error(trouble);
}

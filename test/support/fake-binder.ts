import type { Endpoint } from '../../src/address/endpoint.js';
import type { Listener } from '../../src/engine/engine.js';
import type { Binder } from '../../src/listener/binder.js';

/** A machine's ports, as far as binding them goes. */
export class FakeBinder implements Binder<Listener> {
  /** Every bind asked for, in order, as `tcp 0.0.0.0:80`. */
  readonly asked: string[] = [];
  /** What is bound now. */
  readonly bound = new Set<string>();
  mostAtOnce = 0;
  #underWay = 0;
  #nextFreePort = 49_152;
  readonly #refuse: (endpoint: Endpoint) => string | undefined;

  /** @param refuse the errno with which a bind fails, if it does */
  constructor(refuse: (endpoint: Endpoint) => string | undefined = () => undefined) {
    this.#refuse = refuse;
  }

  async bind(protocol: 'tcp' | 'udp', { ip, port }: Endpoint): Promise<Listener> {
    this.asked.push(`${protocol} ${ip.text}:${port}`);
    this.#underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#underWay);
    await Promise.resolve();
    this.#underWay -= 1;
    const endpoint = { ip, port: port === 0 ? this.#nextFreePort++ : port };
    const key = `${protocol} ${ip.text}:${endpoint.port}`;
    const errno = this.bound.has(key) ? 'EADDRINUSE' : this.#refuse(endpoint);
    if (errno !== undefined) throw Object.assign(new Error(`bind ${errno}`), { code: errno });
    this.bound.add(key);
    return {
      protocol,
      endpoint,
      close: async () => {
        this.bound.delete(key);
      },
    };
  }
}

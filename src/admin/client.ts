/** Asks a running instance, over its control socket. */
import { type IncomingMessage, request } from 'node:http';
import { errnoOf, messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { InstanceDescription } from './describe.js';
import type { LogRequest } from './follow-log.js';
import type { Whereabouts } from './mapping-base.js';
import { errorOf } from './problem.js';

/** A port that was published or unpublished. */
export interface PortDescription {
  readonly mapping: string;
  readonly to: string;
  readonly target: number;
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

export interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** For the answer, or for word that it is under way, which then takes as long as it takes. */
  readonly answerMs?: number;
}

export class InstanceClient {
  readonly name: string;
  readonly #socketPath: string;

  constructor(name: string, socketPath: string) {
    this.name = name;
    this.#socketPath = socketPath;
  }

  describe(answerMs: number = limits.controlAnswerMs): Promise<InstanceDescription> {
    return this.#json({ method: 'GET', path: '/v1/instance', answerMs });
  }

  /** The text of a mapping file. */
  async config(): Promise<string> {
    return textOf(await this.#ask({ method: 'GET', path: '/v1/config' }));
  }

  /** A target's name may have to be resolved first, so its end may take its time. */
  publish(
    ports: readonly string[],
    whereabouts: Whereabouts,
  ): Promise<{ readonly published: PortDescription[] }> {
    return this.#json({ method: 'POST', path: '/v1/mappings', body: { ports, ...whereabouts } });
  }

  unpublish(
    ports: readonly string[],
    time: string | undefined,
  ): Promise<{ readonly unpublished: PortDescription[]; readonly draining: number }> {
    const query = new URLSearchParams(ports.map((port): [string, string] => ['port', port]));
    if (time !== undefined) query.set('time', time);
    return this.#json({ method: 'DELETE', path: `/v1/mappings?${query}` });
  }

  /** The access log's lines, as they come. */
  async logs({ tail, follow }: LogRequest): Promise<IncomingMessage> {
    const query = new URLSearchParams({ follow: String(follow) });
    if (tail !== undefined) query.set('tail', String(tail));
    const response = await this.#ask({ method: 'GET', path: `/v1/logs?${query}` });
    // The next flow may end in a second or in a year.
    response.setTimeout(0);
    return response;
  }

  /** Done when the instance has ended. */
  async stop(time: string | undefined): Promise<{ readonly flows_reset: number }> {
    const query = time === undefined ? '' : `?${new URLSearchParams({ time })}`;
    return this.#json({ method: 'POST', path: `/v1/stop${query}` });
  }

  async #json<T>(asked: Asked): Promise<T> {
    return JSON.parse(await textOf(await this.#ask(asked))) as T;
  }

  /** @throws SluiceError what the instance says is wrong, or that it does not answer */
  async #ask({ method, path, body, answerMs = limits.controlAnswerMs }: Asked): Promise<IncomingMessage> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    let response: IncomingMessage;
    try {
      response = await new Promise<IncomingMessage>((resolve, reject) => {
        const asking = request({
          socketPath: this.#socketPath,
          method,
          path,
          headers: text === '' ? {} : headers,
          agent: false,
        });
        const late = () => asking.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
        asking.setTimeout(answerMs, late);
        asking.on('continue', () => asking.setTimeout(0));
        asking.on('response', resolve);
        asking.on('error', reject);
        asking.end(text);
      });
    } catch (error) {
      throw this.#unanswered(error);
    }
    if ((response.statusCode ?? 0) < 400) return response;
    throw errorOf(await textOf(response), response.statusCode ?? 0);
  }

  #unanswered(error: unknown): SluiceError {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ETIMEDOUT') {
      return new SluiceError(
        'SLUICE_CONTROL_FAILED',
        `${this.name} does not answer: is its process stopped?`,
      );
    }
    if (['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE'].includes(errno)) {
      return new SluiceError('SLUICE_NO_INSTANCE', `${this.name} has just ended`, { cause: error });
    }
    const why = errno === 'EACCES' ? 'permission denied' : messageOf(error);
    return new SluiceError('SLUICE_CONTROL_FAILED', `cannot reach ${this.name}: ${why}`, { cause: error });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of response as AsyncIterable<string>) text += chunk;
  } catch (error) {
    throw new SluiceError('SLUICE_CONTROL_FAILED', 'the instance ended while it answered', { cause: error });
  }
  return text;
}

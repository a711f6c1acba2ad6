/**
 * Docker's Engine API over its unix socket or TCP: each request bounded in time and size, each answer parsed before it
 * is given on, and every failure in words.
 */
import { type Dispatcher, Pool } from 'undici';
import * as v from 'valibot';
import { formatHostPort } from '../address/endpoint.js';
import { parseIp } from '../address/ip.js';
import { errnoOf, messageOf, printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import {
  type Container,
  type ContainerEvent,
  containerListSchema,
  containerSchema,
  errorSchema,
  eventSchema,
  internalNetworksSchema,
} from './answers.js';
import { jsonLines, wholeText } from './bodies.js';
import type { DockerAddress, DockerEndpoint } from './endpoint.js';

/** The newest version whose answers we have read about, and the oldest with all that we read (Docker 1.12). */
const newestVersion = '1.51';
const oldestVersion = '1.24';

/** What happens to a container that may change where it is, or whether it is there. */
const followedEvents = {
  type: ['container', 'network'],
  event: ['start', 'die', 'kill', 'rename', 'connect', 'disconnect'],
};

type Environment = Readonly<Record<string, string | undefined>>;

export class EngineApi {
  readonly #name: string;
  readonly #pool: Pool;
  readonly #asked: string | undefined;
  #version: Promise<string> | undefined;

  constructor({ address, name }: DockerEndpoint, env: Environment = process.env) {
    this.#name = name;
    this.#asked = env['DOCKER_API_VERSION'] || undefined;
    this.#pool = poolFor(address);
  }

  /**
   * A container by its id, its name or a prefix of its id that is no other's.
   *
   * @throws SluiceError SLUICE_NO_SUCH_CONTAINER, SLUICE_AMBIGUOUS_CONTAINER, or as every request
   */
  async container(reference: string): Promise<Container> {
    const answer = await this.#get(`/containers/${encodeURIComponent(reference)}/json`);
    if (answer.status === 404) throw noSuchContainer(reference);
    // Docker 20.10 calls it an error of its own (500), newer ones a bad request.
    if (answer.status !== 200 && /multiple ids/i.test(answer.text)) {
      throw new SluiceError(
        'SLUICE_AMBIGUOUS_CONTAINER',
        `several containers have an id that begins with ${reference}: give more of it, or the name`,
      );
    }
    return this.#read(answer, containerSchema);
  }

  /** The names of all containers, running or not. */
  async containerNames(): Promise<readonly string[]> {
    return this.#read(await this.#get('/containers/json?all=1'), containerListSchema);
  }

  async internalNetworks(): Promise<ReadonlySet<string>> {
    return this.#read(await this.#get('/networks'), internalNetworksSchema);
  }

  /**
   * What happens to containers from now on: nothing that happens after this is called is missing, and what happened
   * shortly before may be told once more. It goes on until it throws: a SluiceError that says how it ended.
   */
  async events(signal: AbortSignal): Promise<AsyncIterable<ContainerEvent>> {
    // dockerd answers before it subscribes; `since` has it tell what happened between the two (moby system_routes.go).
    const { headers } = await this.#ping();
    const since = Math.floor((Date.parse(String(headers['date'])) || Date.now()) / 1000) - 1;
    const query = `since=${since}&filters=${encodeURIComponent(JSON.stringify(followedEvents))}`;
    const { statusCode, body } = await this.#request('GET', `/v${await this.#negotiated()}/events?${query}`, {
      signal,
      endless: true,
    });
    if (statusCode !== 200) throw this.#refused(statusCode, await wholeText(body, limits.dockerAnswerBytes));
    return this.#parsed(jsonLines(body, limits.dockerEventBytes));
  }

  /** A new dockerd may speak another version. */
  forgetVersion(): void {
    this.#version = undefined;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async *#parsed(values: AsyncIterable<unknown>): AsyncGenerator<ContainerEvent> {
    try {
      for await (const value of values) {
        const event = v.safeParse(eventSchema, value);
        if (event.success) yield event.output;
      }
      throw new Error('its stream of events ended');
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { statusCode, body } = await this.#request('GET', `/v${await this.#negotiated()}${path}`);
    try {
      return { status: statusCode, text: await wholeText(body, limits.dockerAnswerBytes) };
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #read<Schema extends v.GenericSchema>(
    { status, text }: { readonly status: number; readonly text: string },
    schema: Schema,
  ): v.InferOutput<Schema> {
    if (status !== 200) throw this.#refused(status, text);
    try {
      return v.parse(schema, JSON.parse(text));
    } catch (error) {
      throw new SluiceError(
        'SLUICE_DOCKER_UNAVAILABLE',
        `Docker at ${this.#name} gave an answer that cannot be understood: ${printable(messageOf(error))}`,
        { cause: error },
      );
    }
  }

  /** Bounded below, since older ones lack what we read, and above, since newer ones may leave it out. */
  #negotiated(): Promise<string> {
    this.#version ??= this.#negotiate();
    this.#version.catch(() => this.forgetVersion());
    return this.#version;
  }

  async #negotiate(): Promise<string> {
    if (this.#asked !== undefined) return this.#asked;
    const { headers } = await this.#ping();
    const theirs = String(headers['api-version'] ?? oldestVersion);
    if (isOlder(theirs, oldestVersion)) {
      throw new SluiceError(
        'SLUICE_DOCKER_UNAVAILABLE',
        `Docker at ${this.#name} speaks API ${printable(theirs)}: sluice needs ${oldestVersion} (Docker 1.12) or newer`,
      );
    }
    return isOlder(theirs, newestVersion) ? theirs : newestVersion;
  }

  /** HEAD since API 1.40; what an older one says to it does not matter, its headers are the same. */
  async #ping(): Promise<Dispatcher.ResponseData> {
    const head = await this.#request('HEAD', '/_ping');
    await head.body.dump();
    if (head.statusCode === 200) return head;
    const get = await this.#request('GET', '/_ping');
    const text = await wholeText(get.body, limits.dockerAnswerBytes);
    if (get.statusCode !== 200) throw this.#refused(get.statusCode, text);
    return get;
  }

  async #request(
    method: 'GET' | 'HEAD',
    path: string,
    { signal, endless = false }: { readonly signal?: AbortSignal; readonly endless?: boolean } = {},
  ): Promise<Dispatcher.ResponseData> {
    const bound = endless ? undefined : AbortSignal.timeout(limits.dockerRequestMs);
    try {
      return await this.#pool.request({
        ...{ method, path, headersTimeout: limits.dockerRequestMs },
        ...{ bodyTimeout: endless ? 0 : limits.dockerRequestMs, signal: signal ?? bound ?? null },
      });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): SluiceError {
    const code = errnoOf(error) ?? nameOf(error);
    if (code === 'EACCES' || code === 'EPERM') {
      return new SluiceError(
        'SLUICE_DOCKER_DENIED',
        `no permission to ask Docker at ${this.#name}: run as root, or add yourself to the group that owns the socket ` +
          '(usermod -aG docker NAME, then log in again)',
        { cause: error },
      );
    }
    const reason = reasons[code] ?? (printable(messageOf(error)) || code);
    return new SluiceError(
      'SLUICE_DOCKER_UNAVAILABLE',
      `Docker at ${this.#name} does not answer: ${reason}`,
      {
        cause: error,
      },
    );
  }

  #refused(status: number, text: string): SluiceError {
    const message = printable(messageIn(text) ?? 'no reason given').slice(0, limits.dockerReasonLength);
    return new SluiceError(
      'SLUICE_DOCKER_UNAVAILABLE',
      `Docker at ${this.#name} refused (${status}): ${message}`,
    );
  }
}

export function noSuchContainer(reference: string, hint = ''): SluiceError {
  return new SluiceError('SLUICE_NO_SUCH_CONTAINER', `No such container: ${reference}${hint}`);
}

function poolFor(address: DockerAddress): Pool {
  const options = { connections: limits.dockerConnections, connectTimeout: limits.dockerRequestMs };
  if (address.kind === 'unix') return new Pool('http://localhost', { ...options, socketPath: address.path });
  const { host, port, tls } = address;
  const ip = parseIp(host);
  const authority = ip === undefined ? `${host}:${port}` : formatHostPort(ip, port);
  if (tls === undefined) return new Pool(`http://${authority}`, options);
  const { verify, ...files } = tls;
  const given = Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined));
  return new Pool(`https://${authority}`, { ...options, connect: { ...given, rejectUnauthorized: verify } });
}

/** `1.9` is older than `1.24`. */
function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return !(major > thanMajor || (major === thanMajor && minor >= thanMinor));
}

function messageIn(text: string): string | undefined {
  try {
    return v.parse(errorSchema, JSON.parse(text)).message;
  } catch {
    // A proxy in between, perhaps: its own words are better than none.
    return text.trim() || undefined;
  }
}

/** AbortSignal.timeout ends a request with an error that has a name in place of a code. */
function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : '';
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket (is Docker running?)',
  ECONNREFUSED: 'nothing listens there (is Docker running?)',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the resolver did not answer for its name',
  TimeoutError: 'it took too long',
  UND_ERR_HEADERS_TIMEOUT: 'it took too long',
  UND_ERR_BODY_TIMEOUT: 'it took too long',
  UND_ERR_CONNECT_TIMEOUT: 'it took too long',
  UND_ERR_SOCKET: 'it closed the connection',
};

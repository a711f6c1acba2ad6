/** An Engine API on a unix socket that says what a test has it say: for orders of events that a real one gives rarely. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { DockerEndpoint } from '../../src/docker/endpoint.js';
import { temporaryFolder } from './folder.js';
import type { Scope } from './scope.js';

export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly ip?: string;
  readonly running?: boolean;
  readonly startedAtMs?: number;
  readonly networkMode?: string;
  /** In place of one network, `bridge`, with `ip`. */
  readonly networks?: Readonly<Record<string, object | null>>;
  readonly exposed?: readonly string[];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeDocker {
  readonly endpoint: DockerEndpoint;
  readonly socketPath: string;
  apiVersion: string | undefined = '1.41';
  containers: FakeContainer[] = [];
  /** Paths that were asked for, without the version. */
  readonly asked: string[] = [];
  /** The version that each request was made in. */
  readonly versions = new Set<string>();
  /** Answers a request in place of what would; undefined leaves it to that. */
  instead: (path: string) => Answer | undefined = () => undefined;
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => this.#answer(request, response));

  constructor(socketPath: string) {
    this.socketPath = socketPath;
    this.endpoint = {
      address: { kind: 'unix', path: socketPath },
      name: `unix://${socketPath}`,
      asked: true,
    };
  }

  get streams(): number {
    return this.#streams.size;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.socketPath);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  happens(action: string, { id, name }: FakeContainer, attributes: object = {}, atMs = Date.now()): void {
    this.say({
      Type: 'container',
      Action: action,
      Actor: { ID: id, Attributes: { name, ...attributes } },
      timeNano: atMs * 1e6,
    });
  }

  say(event: unknown): void {
    for (const stream of this.#streams) stream.write(`${JSON.stringify(event)}\n`);
  }

  /** Ends the streams of events in order. */
  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }

  /** Breaks the streams of events off, as a dockerd that is killed does. */
  dropStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const [, version = '', path = ''] = /^(?:\/v([\d.]+))?(.*)$/.exec(request.url ?? '') ?? [];
    this.asked.push(path);
    if (version !== '') this.versions.add(version);
    const instead = this.instead(path);
    if (instead !== undefined) instead(request, response);
    else if (path === '/_ping')
      response.writeHead(200, this.apiVersion ? { 'Api-Version': this.apiVersion } : {}).end();
    else if (path.startsWith('/events')) this.#stream(response);
    else if (path === '/networks')
      json(response, 200, [{ Id: 'net-internal', Internal: true }, { Id: 'net-bridge' }]);
    else if (path === '/containers/json?all=1') {
      json(
        response,
        200,
        this.containers.map(({ name }) => ({ Names: [`/${name}`] })),
      );
    } else this.#inspect(path, response);
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #inspect(path: string, response: ServerResponse): void {
    const reference = decodeURIComponent(/^\/containers\/(.+)\/json$/.exec(path)?.[1] ?? '');
    const byId = this.containers.filter(({ id }) => id.startsWith(reference));
    const named = this.containers.find(({ name, id }) => name === reference || id === reference);
    if (named === undefined && byId.length > 1) {
      json(response, 500, { message: `Multiple IDs found with provided prefix: ${reference}` });
      return;
    }
    const found = named ?? byId[0];
    if (found === undefined) json(response, 404, { message: `No such container: ${reference}` });
    else json(response, 200, inspected(found));
  }
}

/** A fake Docker for a test; closed with it. */
export async function fakeDocker(scope: Scope): Promise<FakeDocker> {
  const docker = new FakeDocker(join(temporaryFolder(scope), 'docker.sock'));
  await docker.listen();
  scope.onEnd(() => docker.close());
  return docker;
}

export function inspected({ id, name, ip = '', running = true, startedAtMs = 1, ...rest }: FakeContainer) {
  const { networkMode = 'default', networks, exposed = [] } = rest;
  return {
    Id: id,
    Name: `/${name}`,
    State: {
      Running: running,
      Status: running ? 'running' : 'exited',
      Pid: running ? 4242 : 0,
      StartedAt: new Date(startedAtMs).toISOString(),
    },
    Config: {
      ExposedPorts: exposed.length === 0 ? null : Object.fromEntries(exposed.map((port) => [port, {}])),
    },
    HostConfig: { NetworkMode: networkMode },
    NetworkSettings: {
      Networks: networks ?? { bridge: { NetworkID: 'net-bridge', IPAddress: running ? ip : '' } },
    },
  };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

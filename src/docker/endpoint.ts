/**
 * Which Docker is meant and how it is reached, decided as the docker command does it: DOCKER_HOST, then DOCKER_CONTEXT,
 * then the current context of its config.json, then the default socket (docker/cli, cli/command/cli.go).
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { errnoOf, messageOf, printable, SluiceError } from '../errors.js';

export interface TlsFiles {
  readonly verify: boolean;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

export type DockerAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls: TlsFiles | undefined;
    };

export interface DockerEndpoint {
  readonly address: DockerAddress;
  /** As messages call it: `unix:///var/run/docker.sock`. */
  readonly name: string;
  /** False: nobody asked for it, it is only where Docker usually is. */
  readonly asked: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const defaultHost = 'unix:///var/run/docker.sock';
const ports = { plain: 2375, tls: 2376 } as const;

const configSchema = v.object({ currentContext: v.optional(v.string()) });
const contextSchema = v.object({
  Endpoints: v.object({
    docker: v.object({ Host: v.optional(v.string()), SkipTLSVerify: v.optional(v.boolean()) }),
  }),
});

/** @throws SluiceError SLUICE_DOCKER_UNAVAILABLE where what the user set up cannot be read */
export function findDocker(env: Environment = process.env, home = homedir()): DockerEndpoint {
  const folder = env['DOCKER_CONFIG'] || join(home, '.docker');
  const host = env['DOCKER_HOST'];
  if (host) return endpointOf(host, tlsOfEnvironment(env, folder), true);
  const context = env['DOCKER_CONTEXT'] || currentContext(folder);
  if (context !== undefined && context !== 'default') return endpointOfContext(context, folder);
  return endpointOf(defaultHost, undefined, false);
}

/** False where nobody asked for Docker and its usual socket is not there: this machine has none. */
export function isDockerThere({ address, asked }: DockerEndpoint): boolean {
  return asked || address.kind !== 'unix' || existsSync(address.path);
}

function currentContext(folder: string): string | undefined {
  const path = join(folder, 'config.json');
  return existsSync(path) ? readJson(path, configSchema).currentContext || undefined : undefined;
}

/** The store keeps a context under the SHA-256 of its name (docker/cli, cli/context/store). */
function endpointOfContext(name: string, folder: string): DockerEndpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(folder, 'contexts', 'meta', id, 'meta.json');
  if (!existsSync(path)) {
    throw unavailable(
      `Docker's context ${printable(name)} is not there: docker context ls shows those that are`,
    );
  }
  const { docker } = readJson(path, contextSchema).Endpoints;
  const files = join(folder, 'contexts', 'tls', id, 'docker');
  const tls = existsSync(files) ? readTls(files, docker.SkipTLSVerify !== true) : undefined;
  return endpointOf(docker.Host || defaultHost, tls, true);
}

function tlsOfEnvironment(env: Environment, folder: string): TlsFiles | undefined {
  const verify = Boolean(env['DOCKER_TLS_VERIFY']);
  if (!(verify || env['DOCKER_TLS'])) return undefined;
  return readTls(env['DOCKER_CERT_PATH'] || folder, verify);
}

function readTls(folder: string, verify: boolean): TlsFiles {
  const read = (file: string) => {
    const path = join(folder, file);
    return existsSync(path) ? readOrRefuse(path) : undefined;
  };
  return { verify, ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}

function endpointOf(host: string, tls: TlsFiles | undefined, asked: boolean): DockerEndpoint {
  const url = URL.canParse(host) ? new URL(host) : undefined;
  const scheme = url?.protocol.slice(0, -1) ?? '';
  const name = printable(host);
  if (scheme === 'unix' && host.startsWith('unix:///')) {
    return { address: { kind: 'unix', path: host.slice('unix://'.length) }, name, asked };
  }
  if (url !== undefined && ['tcp', 'http', 'https'].includes(scheme) && url.hostname !== '') {
    const used = tls ?? (scheme === 'https' ? noFiles : undefined);
    const port = Number(url.port) || (used === undefined ? ports.plain : ports.tls);
    const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return { address: { kind: 'tcp', host: bare, port, tls: used }, name, asked };
  }
  throw unavailable(
    `Docker's host ${name} cannot be used: sluice speaks to unix:///path and tcp://host:port`,
  );
}

const noFiles: TlsFiles = { verify: true, ca: undefined, cert: undefined, key: undefined };

function readJson<Schema extends v.GenericSchema>(path: string, schema: Schema): v.InferOutput<Schema> {
  const text = readOrRefuse(path).toString();
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (error) {
    throw unavailable(
      `Docker's ${printable(path)} cannot be understood: ${printable(messageOf(error))}`,
      error,
    );
  }
}

function readOrRefuse(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw unavailable(
      `Docker's ${printable(path)} cannot be read: ${errnoOf(error) ?? messageOf(error)}`,
      error,
    );
  }
}

function unavailable(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_DOCKER_UNAVAILABLE', message, { cause });
}

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import type { DockerEndpoint } from '../../src/docker/endpoint.js';
import { EngineApi } from '../../src/docker/engine-api.js';
import { limits } from '../../src/limits.js';
import { type FakeDocker, fakeDocker, inspected } from '../support/fake-docker.js';
import { temporaryFolder } from '../support/folder.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { rejectionOf } from '../support/thrown.js';

const scope = useScope();
const web = { id: 'a'.repeat(64), name: 'web', ip: '172.17.0.2' };

function apiOf(endpoint: DockerEndpoint, env = {}): EngineApi {
  const api = new EngineApi(endpoint, env);
  scope.onEnd(() => api.close());
  return api;
}

async function apiAndDocker(): Promise<{ api: EngineApi; docker: FakeDocker }> {
  const docker = await fakeDocker(scope);
  docker.containers = [web];
  return { api: apiOf(docker.endpoint), docker };
}

it('a Docker that hangs is told of in words', async () => {
  const { api, docker } = await apiAndDocker();
  const overdue = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
  const timeout = jest.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort(overdue));
  scope.onEnd(() => timeout.mockRestore());
  expect((await rejectionOf(api.container('web'))).message).toBe(
    `Docker at ${docker.endpoint.name} does not answer: it took too long`,
  );
});

describe('the version', () => {
  it.each([
    ['1.24', '1.24'],
    ['1.41', '1.41'],
    ['1.9999', '1.51'],
    ['2.0', '1.51'],
  ])('is what both know: %s gives %s', async (theirs, used) => {
    const { api, docker } = await apiAndDocker();
    docker.apiVersion = theirs;
    await api.container('web');
    expect([...docker.versions]).toEqual([used]);
  });

  it.each(['1.23', '1.9', 'x'])('%s is too old', async (theirs) => {
    const { api, docker } = await apiAndDocker();
    docker.apiVersion = theirs;
    expect((await rejectionOf(api.container('web'))).message).toBe(
      `Docker at ${docker.endpoint.name} speaks API ${theirs}: sluice needs 1.24 (Docker 1.12) or newer`,
    );
  });

  it('is asked for with GET where HEAD is not known', async () => {
    const { api, docker } = await apiAndDocker();
    docker.instead = () => (request, response) => {
      docker.instead = () => undefined;
      response.writeHead(request.method === 'HEAD' ? 404 : 200).end();
    };
    expect((await api.container('web')).name).toBe('web');
    expect(docker.asked.filter((path) => path === '/_ping')).toHaveLength(2);
  });

  it('is that of DOCKER_API_VERSION where it is set', async () => {
    const { docker } = await apiAndDocker();
    await apiOf(docker.endpoint, { DOCKER_API_VERSION: '1.30' }).container('web');
    expect([...docker.versions]).toEqual(['1.30']);
  });

  it('is asked for again after a failure, and once it is to be forgotten', async () => {
    const { api, docker } = await apiAndDocker();
    docker.apiVersion = '1.9';
    await rejectionOf(api.container('web'));
    docker.apiVersion = '1.41';
    await api.container('web');
    docker.apiVersion = '1.40';
    api.forgetVersion();
    await api.container('web');
    expect([...docker.versions]).toEqual(['1.41', '1.40']);
  });
});

describe('a container', () => {
  it('is read into our own words', async () => {
    const { api, docker } = await apiAndDocker();
    const networks = {
      zeta: { NetworkID: 'z', IPAddress: '172.19.0.2', GlobalIPv6Address: 'FD00::0:2', GwPriority: 7 },
      gone: null,
    };
    docker.containers = [
      { ...web, networks, exposed: ['443/tcp', '53/udp', '80/tcp', '9/sctp', 'x/tcp'], startedAtMs: 1234 },
    ];
    expect(await api.container('web')).toEqual({
      ...{ id: web.id, name: 'web', running: true, status: 'running', pid: 4242, startedAtMs: 1234 },
      ...{ networkMode: 'default', networkOwner: web.id },
      networks: [
        {
          ...{ name: 'zeta', id: 'z', priority: 7 },
          addresses: [
            { family: 4, text: '172.19.0.2' },
            { family: 6, text: 'fd00::2' },
          ],
        },
      ],
      exposedPorts: [
        { port: 9, protocol: 'sctp' },
        { port: 53, protocol: 'udp' },
        { port: 80, protocol: 'tcp' },
        { port: 443, protocol: 'tcp' },
      ],
    });
  });

  it('that is not there is said to be none', async () => {
    const { api } = await apiAndDocker();
    expect(await rejectionOf(api.container('wbe'))).toMatchObject({
      code: 'SLUICE_NO_SUCH_CONTAINER',
      message: 'No such container: wbe',
    });
  });

  it('is found by its id and a prefix of it, which may be no other’s', async () => {
    const { api, docker } = await apiAndDocker();
    expect((await api.container(web.id)).name).toBe('web');
    expect((await api.container('aaa')).name).toBe('web');
    docker.containers = [web, { ...web, id: `aaa${'b'.repeat(61)}`, name: 'db' }];
    expect(await rejectionOf(api.container('aaa'))).toMatchObject({
      code: 'SLUICE_AMBIGUOUS_CONTAINER',
      message: 'several containers have an id that begins with aaa: give more of it, or the name',
    });
  });
});

describe('an answer', () => {
  it.each([
    ['no JSON', '<html>', 'gave an answer that cannot be understood: Unexpected token'],
    ['other JSON', '{"Id": 7}', 'gave an answer that cannot be understood: Invalid'],
  ])('that is %s is refused', async (_, text, message) => {
    const { api, docker } = await apiAndDocker();
    docker.instead = (path) =>
      path.startsWith('/containers') ? (_request, response) => response.end(text) : undefined;
    const error = await rejectionOf(api.container('web'));
    expect(error.code).toBe('SLUICE_DOCKER_UNAVAILABLE');
    expect(error.message).toContain(message);
  });

  it('without end is cut off', async () => {
    const { api, docker } = await apiAndDocker();
    docker.instead = (path) =>
      path.startsWith('/containers')
        ? (_request, response) => {
            const chunk = Buffer.alloc(1 << 20, ' ');
            const more = () => {
              while (!response.destroyed && response.write(chunk));
            };
            response.on('drain', more);
            more();
          }
        : undefined;
    expect((await rejectionOf(api.container('web'))).message).toContain(
      `does not answer: its answer is longer than ${limits.dockerAnswerBytes} bytes`,
    );
  });

  it.each([
    ['its own message', '{"message": "the daemon\\nis busy"}', 'the daemon\\nis busy'],
    ['a proxy’s page', 'Bad Gateway', 'Bad Gateway'],
    ['nothing', '', 'no reason given'],
  ])('that is an error is told with %s', async (_, text, message) => {
    const { api, docker } = await apiAndDocker();
    docker.instead = (path) =>
      path.startsWith('/containers') ? (_request, response) => response.writeHead(502).end(text) : undefined;
    expect((await rejectionOf(api.container('web'))).message).toBe(
      `Docker at ${docker.endpoint.name} refused (502): ${message}`,
    );
  });

  it('that does not come is not waited for longer than the bound', async () => {
    const { api, docker } = await apiAndDocker();
    await api.container('web');
    const asked = new Promise<void>((resolve) => {
      docker.instead = () => () => resolve();
    });
    const ended = new AbortController();
    jest.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(ended.signal);
    const answer = rejectionOf(api.container('web'));
    await asked;
    expect(AbortSignal.timeout).toHaveBeenCalledWith(limits.dockerRequestMs);
    ended.abort(new Error('The operation was aborted due to timeout'));
    expect((await answer).message).toContain('does not answer: The operation was aborted due to timeout');
    jest.restoreAllMocks();
  });
});

describe('a Docker that cannot be asked', () => {
  it('where there is no socket', async () => {
    const path = join(temporaryFolder(scope), 'none.sock');
    const api = apiOf({ address: { kind: 'unix', path }, name: `unix://${path}`, asked: true });
    expect(await rejectionOf(api.container('web'))).toMatchObject({
      code: 'SLUICE_DOCKER_UNAVAILABLE',
      message: `Docker at unix://${path} does not answer: there is no such socket (is Docker running?)`,
    });
  });

  it('where nothing listens', async () => {
    const docker = await fakeDocker(scope);
    const address = { kind: 'tcp', host: '127.0.0.1', port: 1, tls: undefined } as const;
    const api = apiOf({ ...docker.endpoint, address, name: 'tcp://127.0.0.1:1' });
    expect((await rejectionOf(api.container('web'))).message).toBe(
      'Docker at tcp://127.0.0.1:1 does not answer: nothing listens there (is Docker running?)',
    );
  });
});

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
})();

describeWhere(hasOpenssl, 'no openssl to make certificates with', 'Docker over TLS', () => {
  it('is asked with the client’s certificate, and verified against the CA', async () => {
    const folder = temporaryFolder(scope);
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const names = ['-subj', '/CN=docker', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...names],
      { stdio: 'ignore' },
    );
    const files = { cert: readFileSync(cert), key: readFileSync(key) };
    const server = createTlsServer(
      { ...files, ca: files.cert, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        response.setHeader('Api-Version', '1.41');
        response.end(JSON.stringify(request.url === '/_ping' ? 'OK' : inspected(web)));
      },
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.onEnd(() => server.closeAllConnections());
    scope.onEnd(() => server.close());
    const listening = server.address();
    const port = typeof listening === 'object' ? (listening?.port ?? 0) : 0;
    const reached = (tls: object) =>
      apiOf({
        address: {
          kind: 'tcp',
          host: '127.0.0.1',
          port,
          tls: { verify: true, ca: undefined, ...files, ...tls },
        },
        ...{ name: 'tcp://docker', asked: true },
      }).container('web');
    expect((await reached({ ca: files.cert })).name).toBe('web');
    expect((await reached({ verify: false })).name).toBe('web');
    expect((await rejectionOf(reached({}))).message).toContain('self-signed certificate');
  });
});

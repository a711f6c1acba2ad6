import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { DockerEndpoint } from '../../src/docker/endpoint.js';
import type { NameService } from '../../src/target/dns-target.js';
import { openNameTarget } from '../../src/target/name-target.js';
import { fakeDocker } from '../support/fake-docker.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { rejectionOf } from '../support/thrown.js';

const scope = useScope();
const web = { id: 'a'.repeat(64), name: 'web', ip: '172.17.0.2' };

type LookUp = NameService['lookUp'];
const resolves: LookUp = () => Promise.resolve([{ address: '10.0.0.1' }]);
const failing =
  (code: string): LookUp =>
  () =>
    Promise.reject(Object.assign(new Error(`getaddrinfo ${code}`), { code }));

async function opened(name: string, docker: DockerEndpoint, lookUp: LookUp) {
  const troubles: string[] = [];
  const ignore = () => undefined;
  const events = {
    changed: ignore,
    gone: ignore,
    recovered: ignore,
    trouble: (said: string) => troubles.push(said),
  };
  const target = await openNameTarget(
    name,
    events,
    { lookUp, timeToLiveMs: () => Promise.resolve(undefined) },
    docker,
  );
  scope.onEnd(() => target.close());
  const hosts = target.state().hosts.map((host) => (host.kind === 'ip' ? host.ip.text : host.path));
  return { hosts, troubles };
}

const dockerWithWeb = async () => {
  const docker = await fakeDocker(scope);
  docker.containers = [web];
  return docker;
};

/** A socket that is not there. */
function nowhere(asked: boolean): DockerEndpoint {
  const path = join(temporaryFolder(scope), 'none.sock');
  return { address: { kind: 'unix', path }, name: `unix://${path}`, asked };
}

describe('a bare word', () => {
  it('is a container where Docker knows it', async () => {
    const { endpoint } = await dockerWithWeb();
    expect(await opened('web', endpoint, resolves)).toEqual({ hosts: ['172.17.0.2'], troubles: [] });
  });

  it.each(['db', 'db.internal'])('is a DNS name where Docker does not: %s', async (name) => {
    const { endpoint } = await dockerWithWeb();
    expect(await opened(name, endpoint, resolves)).toEqual({ hosts: ['10.0.0.1'], troubles: [] });
  });

  it('is a DNS name where there is no Docker, and where it cannot be asked', async () => {
    for (const asked of [false, true]) {
      expect(await opened('web', nowhere(asked), resolves)).toEqual({ hosts: ['10.0.0.1'], troubles: [] });
    }
  });

  it('that is a container which does not run is refused as that', async () => {
    const docker = await dockerWithWeb();
    docker.containers = [{ ...web, running: false }];
    const refusal = await rejectionOf(opened('web', docker.endpoint, resolves));
    expect(refusal.code).toBe('SLUICE_CONTAINER_NOT_RUNNING');
  });

  it('that neither of them knows is refused, with the nearest names', async () => {
    const { endpoint } = await dockerWithWeb();
    expect(await rejectionOf(opened('wbe', endpoint, failing('ENOTFOUND')))).toMatchObject({
      code: 'SLUICE_NO_SUCH_CONTAINER',
      message:
        'No such container: wbe, did you mean web?; nor does DNS know the name, which dns:wbe would wait for',
    });
  });

  it('that DNS does not know is refused with why Docker could not be asked', async () => {
    expect((await rejectionOf(opened('web', nowhere(true), failing('ENOTFOUND')))).message).toMatch(
      /^Docker at .* does not answer: there is no such socket .*; nor does DNS know the name, which dns:web would wait for$/,
    );
  });

  it('is gone on with where the resolver does not answer, which is told with what Docker said', async () => {
    const { endpoint } = await dockerWithWeb();
    const { hosts, troubles } = await opened('wbe', endpoint, failing('EAI_AGAIN'));
    expect(hosts).toEqual([]);
    expect(troubles).toEqual([
      expect.stringMatching(
        /^No such container: wbe, did you mean web\?; cannot resolve wbe: the resolver did not answer/,
      ),
    ]);
  });

  it.each([
    ['with a dot', 'db.internal', true],
    ['without Docker', 'db', false],
  ])('%s stays a DNS name though it does not resolve', async (_, name, asked) => {
    const { troubles } = await opened(name, nowhere(asked), failing('ENOTFOUND'));
    expect(troubles).toEqual([expect.stringMatching(/^cannot resolve db(\.internal)?: no such name/)]);
  });
});

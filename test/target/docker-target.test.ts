import { describe, expect, it, jest } from '@jest/globals';
import { exposedPorts } from '../../src/docker/docker.js';
import { limits } from '../../src/limits.js';
import { openDockerTarget } from '../../src/target/docker-target.js';
import type { Target, TargetHost } from '../../src/target/target.js';
import { type FakeContainer, type FakeDocker, fakeDocker } from '../support/fake-docker.js';
import { useScope } from '../support/scope.js';
import { rejectionOf } from '../support/thrown.js';
import { until } from '../support/until.js';

const scope = useScope();
const web: FakeContainer = { id: 'a'.repeat(64), name: 'web', ip: '172.17.0.2' };
const other: FakeContainer = { id: 'b'.repeat(64), name: 'web', ip: '172.17.0.3', startedAtMs: 2_000 };

const textOf = (hosts: readonly TargetHost[]) =>
  hosts.map((host) => (host.kind === 'ip' ? host.ip.text : host.path)).join();

async function dockerWith(...containers: FakeContainer[]): Promise<FakeDocker> {
  const docker = await fakeDocker(scope);
  docker.containers = containers;
  return docker;
}

interface Opened {
  readonly target: Target;
  /** `changed`, `gone 172.17.0.2`, `trouble: …` and `recovered: …`, as they came. */
  readonly told: string[];
}

async function opened(docker: FakeDocker, container = 'web', network?: string): Promise<Opened> {
  const told: string[] = [];
  const target = await openDockerTarget(
    { kind: 'docker', container, network },
    {
      changed: () => told.push('changed'),
      gone: (hosts) => told.push(`gone ${textOf(hosts)}`),
      trouble: (message) => told.push(`trouble: ${message}`),
      recovered: (message) => told.push(`recovered: ${message}`),
    },
    docker.endpoint,
  );
  scope.onEnd(() => target.close());
  return { target, told };
}

const refusalOf = (docker: FakeDocker, container = 'web', network?: string) =>
  rejectionOf(openDockerTarget({ kind: 'docker', container, network }, silent, docker.endpoint));
const silent = { changed() {}, gone() {}, trouble() {}, recovered() {} };

const inspections = (docker: FakeDocker) =>
  docker.asked.filter((path) => /^\/containers\/.+\/json$/.test(path)).length;

describe('a container that runs', () => {
  it.each([
    ['its name', 'web'],
    ['its id', web.id],
    ['the beginning of its id', 'aaaa'],
  ])('is known by %s, and is ready where it has run for a while', async (_, reference) => {
    const { target } = await opened(await dockerWith(web), reference);
    expect({ hosts: textOf(target.state().hosts), settling: target.state().settling }).toEqual({
      hosts: '172.17.0.2',
      settling: false,
    });
  });

  it('is given time to listen where it has only just come', async () => {
    const { target } = await opened(await dockerWith({ ...web, startedAtMs: Date.now() }));
    expect(target.state().settling).toBe(true);
  });

  it('has the addresses of the network that Docker prefers, IPv4 first', async () => {
    const networks = {
      aaa: { NetworkID: 'net-internal', IPAddress: '172.20.0.2' },
      zzz: { NetworkID: 'net-z', IPAddress: '172.19.0.2' },
      bbb: { NetworkID: 'net-b', IPAddress: '172.18.0.2', GlobalIPv6Address: 'fd00::2' },
    };
    const docker = await dockerWith({ ...web, networks });
    expect(textOf((await opened(docker)).target.state().hosts)).toBe('172.18.0.2,fd00::2');
    expect(textOf((await opened(docker, 'web', 'aaa')).target.state().hosts)).toBe('172.20.0.2');
    expect(textOf((await opened(docker, 'web', 'net-z')).target.state().hosts)).toBe('172.19.0.2');
    docker.containers = [{ ...web, networks: { ...networks, zzz: { ...networks.zzz, GwPriority: 1 } } }];
    expect(textOf((await opened(docker)).target.state().hosts)).toBe('172.19.0.2');
  });

  it('has the addresses of the container whose network it shares', async () => {
    const sidecar = { id: 'c'.repeat(64), name: 'sidecar', networkMode: `container:${web.id}`, networks: {} };
    const docker = await dockerWith(web, sidecar);
    const { target } = await opened(docker, 'sidecar');
    expect(textOf(target.state().hosts)).toBe('172.17.0.2');
    docker.containers = [{ ...web, running: false }, sidecar];
    docker.happens('die', web);
    await until('the address to go', () => target.state().hosts.length === 0);
  });
});

describe('opening is refused', () => {
  it('where there is no such container, with the nearest names', async () => {
    const docker = await dockerWith(web, { ...other, name: 'webb' }, { ...other, name: 'database' });
    expect(await refusalOf(docker, 'wbe')).toMatchObject({
      code: 'SLUICE_NO_SUCH_CONTAINER',
      message: 'No such container: wbe, did you mean web or webb?',
    });
    expect((await refusalOf(docker, 'x')).message).toBe(
      'No such container: x (docker ps --all shows those that are)',
    );
  });

  it('where it is not running', async () => {
    expect(await refusalOf(await dockerWith({ ...web, running: false }))).toMatchObject({
      code: 'SLUICE_CONTAINER_NOT_RUNNING',
      message: 'container web is not running (exited): docker start web starts it',
    });
  });

  it.each([
    [
      { networkMode: 'host', networks: { host: {} } },
      undefined,
      "container web is in network host: its ports are this host's already; to have one on another port lead to 127.0.0.1",
    ],
    [
      { networkMode: 'none', networks: { none: {} } },
      undefined,
      'container web has no address on any network: netns:docker:web leads to its own 127.0.0.1',
    ],
    [
      { networks: { bridge: { IPAddress: '10.0.0.1' }, app: { IPAddress: '10.0.0.2' } } },
      'ap',
      'container web is not on network ap: it is on app, bridge',
    ],
  ])('where it cannot be reached: %j', async (settings, network, message) => {
    expect(await refusalOf(await dockerWith({ ...web, ...settings }), 'web', network)).toMatchObject({
      code: 'SLUICE_CONTAINER_UNREACHABLE',
      message,
    });
  });

  it('and nothing of it is left open', async () => {
    const docker = await dockerWith({ ...web, running: false });
    await refusalOf(docker);
    await until('the stream of events to end', () => docker.streams === 0);
  });
});

describe('a container that is followed', () => {
  it('is gone at once when it dies, and waited for until it comes with another address', async () => {
    const docker = await dockerWith(web);
    const { target, told } = await opened(docker);
    docker.containers = [{ ...web, running: false }];
    docker.happens('die', web);
    await until('it to be gone', () => told.length === 3);
    expect(target.state()).toMatchObject({ hosts: [], settling: true });
    docker.containers = [{ ...web, ip: '172.17.0.9', startedAtMs: Date.now() }];
    docker.happens('start', web);
    await until('it to be back', () => told.length === 5);
    expect(textOf(target.state().hosts)).toBe('172.17.0.9');
    expect(target.state().settling).toBe(true);
    expect(told).toEqual([
      'trouble: container web has stopped; new flows wait for it',
      'gone 172.17.0.2',
      'changed',
      'recovered: container web is there again, at 172.17.0.9',
      'changed',
    ]);
  });

  it('is ready again after a while', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    scope.onEnd(() => jest.useRealTimers());
    const { target, told } = await opened(await dockerWith({ ...web, startedAtMs: Date.now() }));
    expect(target.state().settling).toBe(true);
    jest.advanceTimersByTime(limits.settlingMs);
    expect({ settling: target.state().settling, told }).toEqual({ settling: false, told: ['changed'] });
  });

  it('is given time from the signal on that may end it', async () => {
    const docker = await dockerWith(web);
    const { target } = await opened(docker);
    docker.happens('kill', web, { signal: '15' });
    await until('it to settle', () => target.state().settling);
    expect(textOf(target.state().hosts)).toBe('172.17.0.2');
  });

  it('is not gone for the end of an earlier run that is told late', async () => {
    const docker = await dockerWith({ ...web, startedAtMs: 5_000 });
    const { told } = await opened(docker);
    docker.happens('die', web, {}, 4_000);
    await until('it to be looked at', () => inspections(docker) === 2);
    docker.happens('kill', web);
    await until('the signal to be told', () => told.includes('changed'));
    expect(told).toEqual(['changed']);
  });

  it('is what came last, though an earlier look is answered late', async () => {
    const docker = await dockerWith(web);
    const { target, told } = await opened(docker);
    const held: (() => void)[] = [];
    docker.instead = (path) =>
      path === '/containers/web/json'
        ? (_request, response) => {
            docker.instead = () => undefined;
            held.push(() => response.end(JSON.stringify({})));
          }
        : undefined;
    docker.happens('connect', web);
    await until('the look to be held', () => held.length === 1);
    docker.containers = [{ ...web, running: false }];
    docker.happens('die', web);
    await until('it to be gone', () => told.includes('gone 172.17.0.2'));
    for (const answer of held) answer();
    docker.happens('rename', { ...web, name: 'else' });
    expect(target.state().hosts).toEqual([]);
  });

  it('by its name, is the next one of that name; the first lives on, and so do its flows', async () => {
    const docker = await dockerWith(web);
    const { target, told } = await opened(docker);
    docker.containers = [{ ...web, name: 'old' }];
    docker.happens('rename', { ...web, name: 'old' }, { oldName: '/web' });
    await until('the name to be free', () => target.state().hosts.length === 0);
    docker.containers = [{ ...web, name: 'old' }, other];
    docker.happens('start', other);
    await until('the next to have it', () => textOf(target.state().hosts) === '172.17.0.3');
    expect(told).toEqual([
      'trouble: there is no container web any more; new flows wait for it',
      'changed',
      'recovered: container web is there again, at 172.17.0.3',
      'changed',
    ]);
  });

  it('by its name, is not another whose id begins with it', async () => {
    const docker = await dockerWith({ ...web, name: 'cafe' });
    const { target, told } = await opened(docker, 'cafe');
    docker.containers = [{ id: `cafe${'0'.repeat(60)}`, name: 'x', ip: '172.17.0.8' }];
    docker.happens('rename', { ...web, name: 'old' }, { oldName: '/cafe' });
    await until('the name to be free', () => told.includes('changed'));
    expect(target.state().hosts).toEqual([]);
  });

  it('by its id, keeps it through a rename', async () => {
    const docker = await dockerWith(web);
    const { target, told } = await opened(docker, 'aaaa');
    docker.containers = [{ ...web, name: 'old' }, other];
    docker.happens('rename', { ...web, name: 'old' }, { oldName: '/web' });
    docker.happens('kill', web);
    await until('the signal to be told', () => told.includes('changed'));
    expect(textOf(target.state().hosts)).toBe('172.17.0.2');
  });

  it('loses the address of a network that it leaves', async () => {
    const docker = await dockerWith(web);
    const { told } = await opened(docker);
    docker.containers = [{ ...web, networks: { app: { IPAddress: '172.18.0.2' } } }];
    docker.say({
      ...{ Type: 'network', Action: 'disconnect', timeNano: Date.now() * 1e6 },
      Actor: { ID: 'net-bridge', Attributes: { container: web.id, name: 'bridge', type: 'bridge' } },
    });
    await until('the new address', () => told.includes('changed'));
    expect(told).toEqual(['gone 172.17.0.2', 'changed']);
  });

  it('is looked at anew where what happened is no event that can be read', async () => {
    const docker = await dockerWith(web);
    const { told } = await opened(docker);
    docker.say({ Type: 'container', Action: 7 });
    docker.say('what');
    docker.happens('kill', web);
    await until('the stream to go on', () => told.includes('changed'));
  });
});

describe('where Docker itself goes away', () => {
  it('the last addresses stay in use, which is said once, and all is looked at anew when it is back', async () => {
    const docker = await dockerWith(web, { ...other, name: 'db' });
    const [first, second] = [await opened(docker), await opened(docker, 'db')];
    docker.instead = () => (_request, response) => response.destroy();
    docker.dropStreams();
    await until('the loss to be told', () => second.told.includes('changed'));
    expect(first.target.state()).toMatchObject({ settling: true });
    expect(textOf(first.target.state().hosts)).toBe('172.17.0.2');
    await until('some tries', () => docker.asked.filter((path) => path === '/_ping').length > 6);
    docker.containers = [{ ...web, ip: '172.17.0.7', startedAtMs: 9_000 }];
    docker.instead = () => undefined;
    await until('the new address', () => textOf(first.target.state().hosts) === '172.17.0.7');
    await until('the other to be gone', () => second.target.state().hosts.length === 0);
    const told = [...first.told, ...second.told].filter((line) => line !== 'changed');
    expect(told).toEqual([
      `trouble: Docker at ${docker.endpoint.name} does not answer: it closed the connection; ` +
        'the last addresses of its containers stay in use until it answers again',
      'recovered: Docker answers again',
      'gone 172.17.0.2',
      'trouble: there is no container db any more; new flows wait for it',
      'gone 172.17.0.3',
    ]);
  });

  it('a stream that ends in order is opened anew', async () => {
    const docker = await dockerWith(web);
    const { told } = await opened(docker);
    docker.endStreams();
    await until('it to be open again', () => told.some((line) => line.startsWith('recovered')));
    expect(told.filter((line) => line !== 'changed')).toEqual([
      `trouble: Docker at ${docker.endpoint.name} does not answer: its stream of events ended; ` +
        'the last addresses of its containers stay in use until it answers again',
      'recovered: Docker answers again',
    ]);
  });

  it('a look that fails is tried again by itself', async () => {
    const docker = await dockerWith(web);
    const { told } = await opened(docker);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
    scope.onEnd(() => jest.useRealTimers());
    const failed = new Promise<void>((resolve) => {
      docker.instead = () => (_request, response) => {
        response.writeHead(500).end('{}');
        response.on('close', resolve);
      };
    });
    docker.containers = [{ ...web, ip: '172.17.0.7' }];
    docker.happens('connect', web);
    await failed;
    docker.instead = () => undefined;
    while (!told.includes('changed')) await jest.advanceTimersByTimeAsync(limits.dockerRetryMostMs);
    expect(told).toEqual(['gone 172.17.0.2', 'changed']);
  });
});

describe('one process', () => {
  it('has one stream of events for all its containers, and none when the last is closed', async () => {
    const docker = await dockerWith(web, { ...other, name: 'db' });
    const targets = await Promise.all(['web', 'db', 'web'].map((name) => opened(docker, name)));
    expect(docker.streams).toBe(1);
    for (const { target } of targets) target.close();
    await until('the stream to end', () => docker.streams === 0);
  });
});

describe('exposedPorts', () => {
  it('are those of the image and its owner, in order', async () => {
    const docker = await dockerWith({ ...web, exposed: ['80/tcp', '53/udp'] });
    expect(await exposedPorts('web', docker.endpoint)).toEqual([
      { port: 53, protocol: 'udp' },
      { port: 80, protocol: 'tcp' },
    ]);
  });

  it('are refused where there are none', async () => {
    const docker = await dockerWith(web);
    expect(await rejectionOf(exposedPorts('web', docker.endpoint))).toMatchObject({
      code: 'SLUICE_NOTHING_EXPOSED',
      message: 'container web exposes no port: say which with -p, as in -p 8080:80',
    });
    expect((await rejectionOf(exposedPorts('wbe', docker.endpoint))).message).toBe(
      'No such container: wbe, did you mean web?',
    );
  });
});

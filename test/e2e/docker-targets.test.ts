/** Containers of a real dockerd, published by the real executable beside it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { besideDocker } from '../support/beside-docker.js';
import { busyboxImage, type Dockerd, startDockerd, whyNoDockerd } from '../support/dockerd.js';
import { temporaryFolder } from '../support/folder.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { runSluice, spawnSluice } from '../support/sluice-process.js';

const scope = useScope();
const missing = whyNoDockerd();

describeWhere(missing === undefined, missing ?? '', 'a container as a target', () => {
  let dockerd: Dockerd;
  /** The id of a container that is there throughout, named `web`. */
  let web: string;
  const { server, serving, options, run, refused, get } = besideDocker(scope, () => dockerd);

  beforeAll(async () => {
    dockerd = await startDockerd({ config: { ipv6: true, 'fixed-cidr-v6': 'fd00:17::/64' } });
    const exposed = ['--expose', '80', '--expose', '53/udp', '--expose', '9/sctp'];
    web = await dockerd.docker('run', '-d', '--name', 'web', ...exposed, ...serving('web'));
    await dockerd.docker('network', 'create', 'my-net');
  }, 60_000);
  afterAll(() => dockerd.close(), 60_000);

  describe('is found', () => {
    it('by its name, its id and the beginning of its id', async () => {
      for (const reference of ['web', 'docker:web', web, web.slice(0, 12), `docker:${web.slice(0, 5)}`]) {
        const sluice = await run(['-p', '80', reference]);
        expect(await get(sluice)).toBe('web');
        await sluice.stop();
      }
    });

    it('on the network that is asked for, and on the one that its own default route takes', async () => {
      await dockerd.docker('network', 'create', '--internal', 'aaa');
      scope.onEnd(() => dockerd.docker('network', 'rm', 'aaa'));
      await server('multi', '--network', 'my-net');
      await dockerd.docker('network', 'connect', 'aaa', 'multi');
      await dockerd.docker('network', 'connect', 'bridge', 'multi');
      const addressOn = (network: string) =>
        dockerd.docker(
          'inspect',
          '-f',
          `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
          'multi',
        );
      const targetOf = async (...options: string[]) => {
        const sluice = await run(['-p', '80', ...options, 'multi']);
        expect(await get(sluice)).toBe('multi');
        return String((await sluice.flowLogged('done'))['target']).replace(/:80$/, '');
      };
      for (const network of ['my-net', 'aaa', 'bridge'])
        expect(await targetOf('--network', network)).toBe(await addressOn(network));
      const route = await dockerd.docker('exec', 'multi', 'ip', 'route', 'get', '192.0.2.1');
      const usual = await targetOf();
      expect(route).toContain(`src ${usual}`);
      expect(await refused('-p', '80', '--network', 'nope', 'multi')).toBe(
        'sluice: container multi is not on network nope: it is on bridge, my-net, aaa',
      );
    });

    it('on another network than the ports before it, where sluice publish asks for that', async () => {
      await server('both', '--network', 'my-net');
      await dockerd.docker('network', 'connect', 'bridge', 'both');
      const { env, ...beside } = options();
      const shared = { ...beside, env: { ...env, SLUICE_RUNTIME_DIR: temporaryFolder(scope) } };
      const first = ['-p', '127.0.0.1::80', '--network', 'my-net', 'both'];
      const sluice = await runSluice(scope, ['--name', 'both', ...first], 1, shared);
      const later = ['publish', 'both', '-p', '127.0.0.1::80', '--network', 'bridge'];
      const command = spawnSluice(scope, later, shared);
      expect(await command.ended()).toEqual({ code: 0, signal: null });
      const port = /:(\d+)$/m.exec(command.stdout)?.[1];
      expect((await dockerd.run('curl', '-sS', `http://127.0.0.1:${port}/`)).trim()).toBe('both');
      const format = '{{.NetworkSettings.Networks.bridge.IPAddress}}';
      expect((await sluice.flowLogged('done'))['target']).toBe(
        `${await dockerd.docker('inspect', '-f', format, 'both')}:80`,
      );
    });

    it('by IPv6', async () => {
      await server('six', '--cap-add', 'NET_ADMIN');
      const ip = await dockerd.docker('inspect', '-f', '{{.NetworkSettings.GlobalIPv6Address}}', 'six');
      await dockerd.docker('exec', 'six', 'ip', '-4', 'addr', 'flush', 'dev', 'eth0');
      const sluice = await run(['-p', '80', '--connect-timeout', '1s', 'six']);
      expect(await get(sluice)).toBe('six');
      expect((await sluice.flowLogged('done'))['target']).toBe(`[${ip}]:80`);
    });
  });

  describe('is refused in words', () => {
    it('where there is none of that name', async () => {
      expect(await refused('-p', '80', 'docker:wbe')).toBe(
        'sluice: No such container: wbe, did you mean web?',
      );
    });

    it('where its id is not one container’s', async () => {
      // Of 17 two begin with the same digit; mostly a few are enough.
      const digits = [web.slice(0, 1)];
      while (new Set(digits).size === digits.length) {
        const id = await dockerd.docker('create', busyboxImage, 'true');
        scope.onEnd(() => dockerd.docker('rm', id));
        digits.push(id.slice(0, 1));
      }
      const double = digits.at(-1);
      expect(await refused('-p', '80', `docker:${double}`)).toBe(
        `sluice: several containers have an id that begins with ${double}: give more of it, or the name`,
      );
    });

    it('where it is not running', async () => {
      await dockerd.docker('create', '--name', 'idle', busyboxImage, 'true');
      scope.onEnd(() => dockerd.docker('rm', 'idle'));
      expect(await refused('-p', '80', 'idle')).toBe(
        'sluice: container idle is not running (created): docker start idle starts it',
      );
    });

    it('where it is in network host or none', async () => {
      for (const network of ['host', 'none']) {
        await dockerd.docker(
          'run',
          '-d',
          '--name',
          network,
          '--network',
          network,
          busyboxImage,
          'sleep',
          '60',
        );
        scope.onEnd(() => dockerd.docker('rm', '-f', network));
      }
      expect(await refused('-p', '80', 'host')).toBe(
        "sluice: container host is in network host: its ports are this host's already; " +
          'to have one on another port lead to 127.0.0.1',
      );
      expect(await refused('-p', '80', 'none')).toBe(
        'sluice: container none has no address on any network: netns:docker:none leads to its own 127.0.0.1',
      );
    });

    it('where Docker may not be asked', async () => {
      const args = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all'];
      const asNobody = {
        ...options(),
        within: ['nsenter', `--net=${dockerd.networkPath}`, '--', 'setpriv', ...args],
      };
      const sluice = spawnSluice(scope, ['run', '-p', '80', 'docker:web'], asNobody);
      expect(await sluice.ended()).toEqual({ code: 1, signal: null });
      expect(sluice.stderr).toContain(
        `sluice: no permission to ask Docker at unix://${dockerd.socketPath}: run as root, or add yourself to the group`,
      );
    });

    it('where Docker is not there', async () => {
      const env = { DOCKER_HOST: 'unix:///run/no/docker.sock' };
      const sluice = spawnSluice(scope, ['run', '-p', '80', 'docker:web'], { env });
      expect(await sluice.ended()).toEqual({ code: 1, signal: null });
      expect(sluice.stderr).toContain(
        'sluice: Docker at unix:///run/no/docker.sock does not answer: there is no such socket (is Docker running?)',
      );
    });
  });

  describe('-P', () => {
    it('publishes every port that is exposed, and two containers side by side', async () => {
      await server('two', '--expose', '80');
      const first = await run(['-P', 'web'], 4);
      const second = await run(['-P', 'two'], 2);
      expect(first.published.map(({ targetPort, protocol }) => `${targetPort}/${protocol}`)).toEqual([
        ...['53/udp', '53/udp', '80/tcp', '80/tcp'],
      ]);
      const ports = [...first.published, ...second.published].map(({ port }) => port);
      expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_000);
      expect(Math.max(...ports)).toBeLessThanOrEqual(49_900);
      expect([await get(first, 2), await get(second, 0)]).toEqual(['web', 'two']);
    });

    it('leaves what -p publishes where -p says', async () => {
      const sluice = await run(['-p', '127.0.0.1:8099:80', '-P', 'web'], 3);
      expect(sluice.published.map(({ text }) => text)).toEqual([
        '80/tcp -> 127.0.0.1:8099',
        '53/udp -> 0.0.0.0:49000',
        '53/udp -> [::]:49000',
      ]);
    });

    it('is refused where nothing is exposed, and for what is no container', async () => {
      await dockerd.docker('create', '--name', 'closed', busyboxImage, 'true');
      scope.onEnd(() => dockerd.docker('rm', 'closed'));
      expect(await refused('-P', 'closed')).toBe(
        'sluice: container closed exposes no port: say which with -p, as in -p 8080:80',
      );
      const sluice = spawnSluice(scope, ['run', '-P', '127.0.0.1']);
      expect((await sluice.ended()).code).toBe(2);
      expect(sluice.stderr).toBe(
        'sluice: -P: 127.0.0.1 is no container, and only a container exposes ports: use -p\n',
      );
    });
  });
});

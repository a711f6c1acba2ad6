/** The namespaces of real containers: led into, and listened in. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { besideDocker } from '../support/beside-docker.js';
import { busyboxImage, type Dockerd, startDockerd, whyNoDockerd } from '../support/dockerd.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import type { SluiceProcess } from '../support/sluice-process.js';
import { until } from '../support/until.js';

const scope = useScope();
const missing = whyNoDockerd();

describeWhere(missing === undefined, missing ?? '', "a container's namespace", () => {
  let dockerd: Dockerd;
  const { server, removedAtEnd, run, refused, get } = besideDocker(scope, () => dockerd);
  const docker = (...args: readonly string[]) => dockerd.docker(...args);
  const said = (sluice: SluiceProcess, text: string) =>
    sluice.logged(({ msg }) => String(msg).includes(text));
  /** What a client inside a container is answered on its own 127.0.0.1. */
  const asked = (container: string, port: number) =>
    docker('exec', container, 'wget', '-qO-', `http://127.0.0.1:${port}/`);

  beforeAll(async () => {
    dockerd = await startDockerd();
    await docker('network', 'create', 'front');
    await docker('network', 'create', 'back');
  }, 60_000);
  afterAll(() => dockerd.close(), 60_000);

  /** A container that only waits. */
  async function idle(name: string, ...options: readonly string[]) {
    removedAtEnd(await docker('run', '-d', '--name', name, ...options, busyboxImage, 'sleep', '600'));
  }

  it('is led into where the container has no network', async () => {
    await server('quiet', '--network', 'none');
    const sluice = await run(['-p', '127.0.0.1::80', 'netns:docker:quiet'], 1);
    expect(await get(sluice)).toBe('quiet');
  });

  it("is led into where a server listens on the container's own 127.0.0.1 alone", async () => {
    const script = 'mkdir /www; echo inside >/www/index.html; exec httpd -f -p 127.0.0.1:80 -h /www';
    removedAtEnd(await docker('run', '-d', '--name', 'shy', busyboxImage, 'sh', '-c', script));
    const sluice = await run(['-p', '127.0.0.1::80', 'netns:docker:shy'], 1);
    await until('the server to listen', async () => (await get(sluice).catch(() => '')) === 'inside');
  });

  it('is led into again once the container has been restarted: what comes meanwhile waits', async () => {
    await server('quiet', '--network', 'none');
    const sluice = await run(['-p', '127.0.0.1::80', 'netns:docker:quiet'], 1);
    await docker('stop', 'quiet');
    await said(sluice, 'netns:docker:quiet is gone');
    const waiting = get(sluice);
    await docker('start', 'quiet');
    expect(await waiting).toBe('quiet');
    await said(sluice, 'netns:docker:quiet is there again');
  });

  it('is listened in: two containers on two networks are linked', async () => {
    await idle('busybox1', '--network', 'front');
    await server('busybox2', '--network', 'back');
    await run(['--in', 'busybox1', '-p', '127.0.0.1:6379:80', 'busybox2'], 1);
    expect(await asked('busybox1', 6379)).toBe('busybox2');
  });

  it('is listened in again once the container has been restarted', async () => {
    await idle('busybox1', '--network', 'front');
    await server('busybox2', '--network', 'none');
    const sluice = await run(['--in', 'busybox1', '-p', '127.0.0.1:6379:80', 'netns:docker:busybox2'], 1);
    expect(await asked('busybox1', 6379)).toBe('busybox2');
    await docker('restart', '--time', '1', 'busybox1');
    await said(sluice, 'listening inside busybox1 again');
    expect(await asked('busybox1', 6379)).toBe('busybox2');
    expect((await sluice.stop()).code).toBe(0);
  });

  it('of a container made anew under its name is the one that counts', async () => {
    await idle('busybox1', '--network', 'front');
    await server('busybox2', '--network', 'none');
    const sluice = await run(['--in', 'busybox1', '-p', '127.0.0.1:6379:80', 'netns:docker:busybox2'], 1);
    await docker('rm', '--force', 'busybox1');
    await said(sluice, 'busybox1 has ended: nothing listens inside until it comes back');
    await idle('busybox1', '--network', 'back');
    await said(sluice, 'listening inside busybox1 again');
    await until('an answer', async () => (await asked('busybox1', 6379)) === 'busybox2');
  });

  it('is refused in words where there is no such container, or where it does not run', async () => {
    await idle('busybox1');
    expect(await refused('-p', '80', 'netns:docker:busybox2')).toBe(
      'sluice: No such container: busybox2, did you mean busybox1?',
    );
    expect(await refused('--in', 'busybox2', '-p', '80', '10.0.0.1')).toBe(
      'sluice: No such container: busybox2, did you mean busybox1?',
    );
    await docker('stop', 'busybox1');
    expect(await refused('-p', '80', 'netns:docker:busybox1')).toBe(
      'sluice: cannot enter netns:docker:busybox1: it is not running: docker start busybox1 starts it',
    );
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { busyboxImage, type Dockerd, startDockerd, whyNoDockerd } from './dockerd.js';
import { describeWhere } from './machine.js';

const missing = whyNoDockerd();

describeWhere(missing === undefined, missing ?? '', 'a dockerd of a test', () => {
  let dockerd: Dockerd;
  beforeAll(async () => {
    dockerd = await startDockerd();
  });
  afterAll(() => dockerd.close());

  it('runs containers, in a network of its own', async () => {
    await dockerd.docker('run', '-d', '--name', 'web', '-p', '8080:80', busyboxImage, 'sleep', '1000');
    expect(await dockerd.docker('port', 'web')).toContain('80/tcp -> 0.0.0.0:8080');
    expect(await dockerd.run('ip', '-brief', 'address')).toMatch(/^docker0 .*172\.17\.0\.1/m);
    expect(dockerd.processes().map(({ command }) => command[0])).toContain('containerd');
  });

  it('keeps its containers over a restart', async () => {
    await dockerd.restart();
    expect(await dockerd.docker('ps', '--all', '--format', '{{.Names}}')).toBe('web');
    await dockerd.restart({ signal: 'SIGKILL' });
    expect(await dockerd.docker('ps', '--all', '--format', '{{.Names}}')).toBe('web');
  });

  it('tells why the client failed', async () => {
    await expect(dockerd.docker('start', 'nobody')).rejects.toThrow('No such container');
  });

  it('leaves nothing behind, running containers neither', async () => {
    await dockerd.docker('start', 'web');
    const pid = await dockerd.docker('inspect', '--format', '{{.State.Pid}}', 'web');
    await dockerd.close();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(dockerd.processes()).toEqual([]);
    expect(existsSync(dockerd.folder)).toBe(false);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(dockerd.folder);
  });
});

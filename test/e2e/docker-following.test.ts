/** Containers of a real dockerd that stop, move and come back while they are published. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { besideDocker } from '../support/beside-docker.js';
import { busyboxImage, type Dockerd, startDockerd, whyNoDockerd } from '../support/dockerd.js';
import type { RequestRecord } from '../support/http-load.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import type { SluiceProcess } from '../support/sluice-process.js';
import { until } from '../support/until.js';

const scope = useScope();
const missing = whyNoDockerd();
const loadPath = fileURLToPath(new URL('../support/http-load.js', import.meta.url));
const requestsPerSecond = 200;
const restarts = Number(process.env['DOCKER_RESTARTS'] ?? 1);

describeWhere(missing === undefined, missing ?? '', 'a container that is followed', () => {
  let dockerd: Dockerd;
  const { server, serving, removedAtEnd, run, get } = besideDocker(scope, () => dockerd);
  const docker = (...args: readonly string[]) => dockerd.docker(...args);

  beforeAll(async () => {
    dockerd = await startDockerd();
    await docker('network', 'create', 'my-net');
  }, 60_000);
  afterAll(() => dockerd.close(), 60_000);

  const said = (sluice: SluiceProcess, message: string) =>
    sluice.logged(({ msg }) => typeof msg === 'string' && msg.startsWith(message));
  const timesSaid = (sluice: SluiceProcess, message: string) =>
    sluice.records.filter(({ msg }) => typeof msg === 'string' && msg.startsWith(message)).length;
  const targetsOf = (sluice: SluiceProcess) => sluice.flows().map(({ target }) => target);

  /** A load in dockerd's network; `end` stops it and gives what became of each request. */
  function load(sluice: SluiceProcess) {
    const args = [loadPath, String(sluice.port()), String(requestsPerSecond)];
    const child = spawn(...dockerd.inside(process.execPath, ...args), { stdio: ['pipe', 'pipe', 'inherit'] });
    scope.onEnd(() => child.kill('SIGKILL'));
    const output = text(child.stdout);
    return {
      async end(): Promise<readonly RequestRecord[]> {
        const exited = once(child, 'exit');
        child.stdin.end();
        await exited;
        return JSON.parse(await output) as RequestRecord[];
      },
    };
  }

  it('stops and starts again: what comes meanwhile waits, and goes through', async () => {
    await server('web');
    const sluice = await run(['-p', '80', 'web']);
    await docker('stop', 'web');
    await said(sluice, 'container web has stopped; new flows wait for it');
    const waiting = get(sluice);
    await docker('start', 'web');
    expect(await waiting).toBe('web');
    await said(sluice, 'container web is there again, at ');
  });

  it('is killed, removed and made anew under its name, at another address, as Compose does', async () => {
    await server('web');
    const sluice = await run(['-p', '80', 'web']);
    expect(await get(sluice)).toBe('web');
    await docker('kill', 'web');
    await docker('rm', 'web');
    const waiting = get(sluice);
    // Takes the address that it had.
    await server('other');
    removedAtEnd('web_new');
    await docker('create', '--name', 'web_new', ...serving('new web'));
    await docker('rename', 'web_new', 'web');
    await docker('start', 'web');
    removedAtEnd('web');
    expect(await waiting).toBe('new web');
    const [first, second] = targetsOf(sluice);
    expect(second).not.toBe(first);
  });

  it('has its flows reset at once when it is killed', async () => {
    await docker('run', '-d', '--name', 'silent', busyboxImage, 'nc', '-l', '-p', '80', '-e', 'sleep', '60');
    removedAtEnd('silent');
    const sluice = await run(['-p', '80', 'silent']);
    const flow = dockerd.run('curl', '-sS', '--max-time', '15', `http://127.0.0.1:${sluice.port()}/`);
    const failed = expect(flow).rejects.toThrow(/reset|Empty reply/);
    await until('the flow to reach it', async () =>
      (await docker('exec', 'silent', 'ps')).includes('sleep 60'),
    );
    await docker('kill', 'silent');
    await failed;
  });

  it('is renamed: its name leads to the next one of that name, and its id still to it', async () => {
    const id = await server('web');
    const byName = await run(['-p', '80', 'web']);
    const byId = await run(['-p', '80', id]);
    await docker('rename', 'web', 'old');
    await said(byName, 'there is no container web any more');
    await docker('run', '-d', '--name', 'web', ...serving('next'));
    removedAtEnd('web');
    expect(await get(byName)).toBe('next');
    expect(await get(byId)).toBe('web');
  });

  it('is paused: its flows stay, new ones are answered when it goes on', async () => {
    await server('web');
    const sluice = await run(['-p', '80', 'web']);
    await docker('pause', 'web');
    const waiting = get(sluice);
    // The kernel accepts for it.
    await until('the flow to be there', async () =>
      (await dockerd.run('ss', '-Htn', 'state', 'established')).includes(`:${sluice.port()} `),
    );
    await docker('unpause', 'web');
    expect(await waiting).toBe('web');
    expect(sluice.flows('target-gone')).toEqual([]);
  });

  it('leaves a network and joins another', async () => {
    await server('web');
    const sluice = await run(['-p', '80', 'web']);
    await docker('network', 'connect', 'my-net', 'web');
    await docker('network', 'disconnect', 'bridge', 'web');
    const address = await docker(
      'inspect',
      '-f',
      '{{(index .NetworkSettings.Networks "my-net").IPAddress}}',
      'web',
    );
    await until('the other address to be led to', async () => {
      expect(await get(sluice)).toBe('web');
      return targetsOf(sluice).at(-1) === `${address}:80`;
    });
  });

  it('is one of 50, each found at its own address', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `many-${index}`);
    const one = await docker('create', ...serving('many'));
    removedAtEnd(one);
    for (const name of names) removedAtEnd(name);
    // A few at a time: dockerd gets no faster by more.
    for (let index = 0; index < names.length; index += 10) {
      const some = names.slice(index, index + 10);
      await Promise.all(some.map((name) => docker('run', '-d', '--name', name, ...serving(name))));
    }
    const sluice = await run(['--config', mappingFile(names)], 50);
    const answers = await Promise.all(names.map((_, index) => get(sluice, index)));
    expect(answers).toEqual(names);
    await docker('kill', ...names);
    await until('each to be known to have stopped', () => timesSaid(sluice, 'container many-') === 50);
  }, 120_000);

  it('goes on while dockerd itself is started anew', async () => {
    await server('web');
    const sluice = await run(['-p', '80', 'web']);
    await dockerd.restart({ config: { 'live-restore': true } });
    await docker('start', 'web').catch(() => undefined);
    await until('it to be served', async () => (await get(sluice).catch(() => '')) === 'web');
    const before = sluice.flows('done').length;
    const traffic = load(sluice);
    await sluice.flowsLogged(before + 20, 'done');
    await dockerd.restart();
    await until('Docker to be back', () => timesSaid(sluice, 'Docker answers again') === 2);
    const requests = await traffic.end();
    expect(requests.length).toBeGreaterThan(requestsPerSecond / 2);
    expect(requests.filter(({ failure }) => failure !== undefined).slice(0, 3)).toEqual([]);
    expect(timesSaid(sluice, 'Docker at ')).toBe(2);
  }, 60_000);

  it.each(['splice', 'stream'])(
    `loses no request of ${requestsPerSecond} a second over docker restart but those in flight: %s`,
    async (engine) => {
      await server('web');
      const sluice = await run(['-p', '80', '--engine', engine, '--wait', '1m', 'web']);
      for (let restart = 1; restart <= restarts; restart += 1) {
        const traffic = load(sluice);
        await sluice.flowsLogged(sluice.flows('done').length + 100, 'done');
        await docker('restart', 'web');
        await until('it to be back', () => timesSaid(sluice, 'container web is there again') === restart);
        await sluice.flowsLogged(sluice.flows('done').length + 100, 'done');
        const finished = Date.parse(await docker('inspect', '-f', '{{.State.FinishedAt}}', 'web'));
        const requests = await traffic.end();
        const failed = requests.filter(({ failure }) => failure !== undefined);
        if (process.env['DOCKER_RESTARTS'] !== undefined) tell(engine, requests, failed);
        expect(failed.filter(({ startedAtMs }) => startedAtMs > finished).slice(0, 3)).toEqual([]);
      }
    },
    60_000 + restarts * 20_000,
  );

  function mappingFile(names: readonly string[]): string {
    const path = `${dockerd.folder}/mappings.json`;
    const mappings = names.map((name) => ({ name, to: name, ports: ['127.0.0.1::80'] }));
    writeFileSync(path, JSON.stringify({ mappings }));
    return path;
  }
});

/** For whoever asks for more restarts than the suite makes. */
function tell(engine: string, requests: readonly RequestRecord[], failed: readonly RequestRecord[]): void {
  const longestMs = Math.max(...requests.map(({ startedAtMs, endedAtMs }) => endedAtMs - startedAtMs));
  process.stderr.write(
    `${engine}: ${requests.length} requests, ${failed.length} in flight failed, longest ${longestMs} ms\n`,
  );
}

/** The commands that speak to running instances. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { type Instances, instancesIn } from '../support/instances.js';
import { useScope } from '../support/scope.js';
import { dial, dialError, echo, exchange, listenTcp } from '../support/tcp-peers.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

describe('sluice ls', () => {
  it('is a table of what runs, as docker container ls is', async () => {
    const instances = instancesIn(scope);
    expect(await instances.answer('ls')).toBe('NAME   TARGET   STATUS   PORTS   FLOWS   IN   OUT   UPTIME\n');
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
    await instances.run(['-p', '127.0.0.1::53/udp', '--name', 'dns', 'no-such-name.invalid']);
    await exchange(await dial(scope, web.port()), 'hello');
    await web.flowLogged('done');
    const [, dns, row] = lines(await instances.answer('ls'));
    expect(dns).toMatch(
      /^dns {4}no-such-name\.invalid {3}waiting for no-such-name\.invalid {3}127\.0\.0\.1:\d+->53\/udp +0 +0 B +0 B +\d+ s$/,
    );
    expect(row).toMatch(
      new RegExp(
        `^web {4}127\\.0\\.0\\.1 +up +127\\.0\\.0\\.1:${web.port()}->${target}/tcp +0 +5 B +5 B +\\d+ s$`,
      ),
    );
  });

  it('-q is their names, and --format json an array', async () => {
    const instances = instancesIn(scope);
    expect(JSON.parse(await instances.answer('ls', '--format', 'json'))).toEqual([]);
    const web = await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '10.0.0.1']);
    await instances.run(['-p', '127.0.0.1::80', '10.0.0.2']);
    expect(await instances.answer('ls', '-q')).toBe('10.0.0.2\nweb\n');
    const listed: unknown = JSON.parse(await instances.answer('ls', '--format', 'json'));
    expect(listed).toMatchObject([
      { name: '10.0.0.2' },
      {
        ...{ name: 'web', pid: web.pid, target: ['10.0.0.1'], status: 'up', flows: 0, bytes_in: 0 },
        ports: [{ ip: '127.0.0.1', port: web.port(), target: 80, protocol: 'tcp', to: '10.0.0.1' }],
      },
    ]);
  });

  it('shows one that does not answer, and does not wait for it for ever', async () => {
    const instances = instancesIn(scope);
    const web = await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '10.0.0.1']);
    web.signal('SIGSTOP');
    scope.onEnd(() => web.signal('SIGCONT'));
    expect(lines(await instances.answer('ls'))[1]).toMatch(/^web +not answering$/);
    const commands = [
      ['port'],
      ['logs'],
      ['inspect'],
      ['stop'],
      ['unpublish', '80'],
      ['publish', '-p', '81'],
    ];
    const refusals = await Promise.all(
      commands.map(async ([command = '', ...rest]) => {
        const { code, stderr } = await instances.ask(command, 'web', ...rest);
        return { command, code, stderr };
      }),
    );
    const stderr = 'sluice: web does not answer: is its process stopped?\n';
    expect(refusals).toEqual(commands.map(([command]) => ({ command, code: 1, stderr })));
    // What they were told was not done is not done later either.
    web.signal('SIGCONT');
    expect(await instances.answer('port', 'web')).toBe(`80/tcp -> 127.0.0.1:${web.port()}\n`);
  });
});

describe('sluice port', () => {
  it('prints what docker port prints', async () => {
    const instances = instancesIn(scope);
    const specs = ['127.0.0.1::8080', '127.0.0.1::80', '127.0.0.1::53/udp', '::8081'].flatMap((spec) => [
      '-p',
      spec,
    ]);
    const web = await instances.run([...specs, '--name', 'web', '10.0.0.1'], 4);
    const listed = lines(await instances.answer('port', 'web'));
    expect(listed.map((line) => line.replace(/ .*/, ''))).toEqual(
      ['53/udp', '80/tcp', '8080/tcp', '8081/tcp', '8081/tcp'].slice(0, listed.length),
    );
    expect([...listed].sort()).toEqual(web.published.map(({ text }) => text).sort());
    expect(await instances.answer('port', 'web', '80')).toBe(`127.0.0.1:${web.port(1)}\n`);
    expect(await instances.answer('port', 'web', '53/UDP')).toBe(`127.0.0.1:${web.port(2)}\n`);
    expect(lines(await instances.answer('port', 'web', '8081'))[0]).toBe(`0.0.0.0:${web.port(3)}`);
    const refused = async (...args: string[]) => {
      const { code, stderr } = await instances.ask('port', ...args);
      return [code, stderr];
    };
    expect(await refused('web', '53')).toEqual([1, "sluice: No public port '53' published for web\n"]);
    expect(await refused('web', 'http')).toEqual([
      2,
      'sluice: invalid port (http): it must be one such as 80 or 53/udp\n',
    ]);
  });
});

describe('a name', () => {
  it('may be cut short while it is still one instance’s, and others get the nearest', async () => {
    const instances = instancesIn(scope);
    const none = await instances.ask('port', 'web');
    expect([none.code, none.stderr]).toEqual([
      1,
      `sluice: no instance is called "web": none runs (looked in ${instances.folder})\n`,
    ]);
    for (const name of ['web', 'web-2', 'db']) {
      await instances.run(['-p', '127.0.0.1::80', '--name', name, '10.0.0.1']);
    }
    const refusal = async (name: string) => (await instances.ask('port', name)).stderr;
    // An exact one is that one, whatever else begins so.
    expect(lines(await instances.answer('port', 'web'))).toHaveLength(1);
    expect(lines(await instances.answer('port', 'd'))).toHaveLength(1);
    expect(await refusal('we')).toBe('sluice: we may be any of web, web-2: say more of it\n');
    expect(await refusal('wep')).toBe(
      'sluice: no instance is called "wep", did you mean web? (running: db, web, web-2)\n',
    );
    expect(await refusal('../db')).toMatch(/^sluice: no instance is called "\.\.\/db"/);
    expect(await refusal('')).toMatch(/^sluice: no instance is called ""/);
  });

  it('is a whole one where something changes: once web has ended, it does not mean web-2', async () => {
    const instances = instancesIn(scope);
    await instances.run(['-p', '127.0.0.1::80', '--name', 'web-2', '10.0.0.1']);
    const before = await instances.answer('port', 'web');
    for (const change of [
      ['stop', 'web'],
      ['publish', 'web', '-p', '127.0.0.1::81'],
      ['unpublish', 'web', '80'],
    ]) {
      const { code, stderr } = await instances.ask(...change);
      expect([code, stderr]).toEqual([
        1,
        'sluice: no instance is called "web", did you mean web-2? (running: web-2)\n',
      ]);
    }
    expect(await instances.answer('port', 'web')).toBe(before);
  });

  it('is the mapping file’s, or made of where it is', async () => {
    const instances = instancesIn(scope);
    const folder = temporaryFolder(scope);
    const file = (name: string, content: object) => {
      const path = join(folder, name);
      writeFileSync(path, JSON.stringify(content));
      return path;
    };
    const mappings = [{ to: '10.0.0.1', ports: ['127.0.0.1::80'] }];
    await instances.run(['--config', file('a.json', { name: 'edge', mappings })]);
    await instances.run(['--config', file('my ports.json', { mappings })]);
    await instances.run(['-p', '127.0.0.1::80', 'unix:/run/app.sock']);
    expect(await instances.answer('ls', '-q')).toBe('edge\nmy-ports\nunix-run-app.sock\n');
  });
});

describe('sluice logs', () => {
  it('shows the access log’s latest records, and follows those to come until the instance ends', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
    for (const text of ['1', '22', '333']) {
      await exchange(await dial(scope, web.port()), text);
      await until('its record', () => web.flows('done').length === text.length);
    }
    const all = lines(await instances.answer('logs', 'web')).map((line) => JSON.parse(line) as object);
    // As on stderr, but for the time, which may be a millisecond's difference.
    expect(all).toEqual(web.flows().map((record) => ({ ...record, time: expect.any(String) })));
    const last = lines(await instances.answer('logs', '--tail', '1', 'web'));
    expect(last.map((line) => JSON.parse(line) as object)).toMatchObject([{ bytes_in: 3 }]);
    expect(await instances.answer('logs', '-n', '0', 'web')).toBe('');

    const follower = instances.spawn(['logs', '-f', '--tail', '1', 'web']);
    await follower.said('"bytes_in":3');
    await exchange(await dial(scope, web.port()), '4444');
    await follower.said('"bytes_in":4');
    await web.stop();
    expect(await follower.ended()).toEqual({ code: 0, signal: null });
    expect(follower.stderr).toBe('');
  });

  it('of a reader that goes away ends there', async () => {
    const instances = instancesIn(scope);
    const web = await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '10.0.0.1']);
    const follower = instances.spawn(['logs', '-f', 'web']);
    const description = async () => JSON.parse(await instances.answer('inspect', 'web')) as object;
    expect(await description()).toMatchObject({ access_log: true });
    follower.signal('SIGINT');
    await follower.ended();
    expect(await web.stop()).toEqual({ code: 0, signal: null });
  });

  it('says so where there is no access log', async () => {
    const instances = instancesIn(scope);
    await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '--no-access-log', '10.0.0.1']);
    const { code, stderr } = await instances.ask('logs', 'web');
    expect([code, stderr]).toEqual([1, 'sluice: web keeps no access log: it runs with --no-access-log\n']);
    const tail = await instances.ask('logs', '--tail', 'some', 'web');
    expect([tail.code, tail.stderr]).toEqual([2, 'sluice: --tail some: it must be a whole number, or all\n']);
  });
});

/** Publishes a port of 127.0.0.1 in the instance that is called web, and gives the host port. */
async function publishMore(instances: Instances, target: number): Promise<number> {
  const spec = `127.0.0.1::${target}`;
  const stdout = await instances.answer('publish', 'web', '-p', spec, '--to', '127.0.0.1');
  return Number(/(\d+)\n$/.exec(stdout)?.[1]);
}

describe('sluice publish and unpublish', () => {
  it('change a running instance, and say what they did as docker port does', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
    const stdout = await instances.answer(
      'publish',
      'web',
      '-p',
      `127.0.0.1::${target}`,
      '-p',
      '127.0.0.1::53/udp',
    );
    const [, first] = /^\d+\/tcp -> 127\.0\.0\.1:(\d+)\n53\/udp -> 127\.0\.0\.1:\d+\n$/.exec(stdout) ?? [];
    expect(await exchange(await dial(scope, Number(first)), 'hello')).toBe('hello');
    expect(lines(await instances.answer('port', 'web'))).toHaveLength(3);
    await web.logged(({ msg }) => /^published 53\/udp -> 127\.0\.0\.1:\d+$/.test(String(msg)));
    const freed = await instances.answer('unpublish', 'web', `${first}:${target}`, '53/udp');
    expect(freed).toBe(stdout);
    expect(await dialError(scope, Number(first))).toBe('ECONNREFUSED');
    expect(lines(await instances.answer('port', 'web'))).toHaveLength(1);
  });

  it.each(['splice', 'stream'])(
    'of its last port leaves it running, for others to be published: %s',
    async (engine) => {
      const instances = instancesIn(scope);
      const target = await listenTcp(scope, echo);
      const args = ['--engine', engine, '-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1'];
      const web = await instances.run(args);
      const known = await dial(scope, web.port());
      known.end();
      await web.flowLogged('done');
      await instances.answer('unpublish', 'web', `${target}`);
      // Whatever it had open that would keep it is closed by the time of this line.
      await web.logged(({ msg }) => msg === `unpublished ${target}/tcp`);
      expect(await exchange(await dial(scope, await publishMore(instances, target)), 'hello')).toBe('hello');
      expect(await web.stop()).toEqual({ code: 0, signal: null });
    },
  );

  it('lead to another target where that is said, and ask which where there are several', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '10.0.0.1']);
    expect(await exchange(await dial(scope, await publishMore(instances, target)), 'hello')).toBe('hello');
    const { code, stderr } = await instances.ask('publish', 'web', '-p', '81');
    expect([code, stderr]).toEqual([
      1,
      'sluice: web leads to 2 targets: say which one with --to (10.0.0.1, 127.0.0.1)\n',
    ]);
  });

  it('refuse in words', async () => {
    const instances = instancesIn(scope);
    const web = await instances.run(['-p', '127.0.0.1::80', '--name', 'web', '10.0.0.1']);
    const refusal = async (...args: string[]) => {
      const { code, stdout, stderr } = await instances.ask(...args);
      expect(stdout).toBe('');
      return [code, stderr];
    };
    expect(await refusal('publish', 'web', '-p', `${web.port()}:81`)).toEqual([
      1,
      `sluice: Bind for 0.0.0.0:${web.port()} failed: port is already allocated (by 80/tcp of web, in this instance)\n`,
    ]);
    expect(await refusal('publish', 'web', '-p', '80:0')).toEqual([
      2,
      'sluice: 80:0: invalid containerPort: 0\n',
    ]);
    expect(await refusal('publish', 'web')).toEqual([2, expect.stringContaining('publish')]);
    expect(await refusal('publish', 'web', '-p', '80', '--to', 'a b')).toEqual([
      1,
      expect.stringContaining('invalid target "a b"'),
    ]);
    expect(await refusal('unpublish', 'web', '81')).toEqual([
      1,
      'sluice: 81/tcp is not published; what is: 80/tcp\n',
    ]);
    expect(await refusal('unpublish', 'web')).toEqual([2, expect.stringContaining('which port?')]);
    expect(await refusal('unpublish', 'web', '80', '--time', 'soon')).toEqual([
      2,
      expect.stringMatching(/^sluice: --time: invalid duration "soon"/),
    ]);
  });
});

describe('sluice inspect', () => {
  it('tells all that an instance knows', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
    await exchange(await dial(scope, web.port()), 'hello');
    await web.flowLogged('done');
    await instances.answer('publish', 'web', '-p', '127.0.0.1::81');
    expect(JSON.parse(await instances.answer('inspect', 'web'))).toMatchObject({
      ...{ name: 'web', pid: web.pid, status: 'up', access_log: true, bytes_in: 5, bytes_out: 5, flows: 0 },
      targets: [{ to: '127.0.0.1', addresses: ['127.0.0.1'], settling: false }],
      mappings: [
        {
          ...{
            mapping: 'web',
            to: '127.0.0.1',
            protocol: 'tcp',
            host_ip: '127.0.0.1',
            published: '',
            target,
          },
          listeners: [{ ip: '127.0.0.1', port: web.port() }],
          ...{ at_run_time: false, draining: false, flows: 0, ends: { done: 1 } },
          options: { connect_timeout: '10s', idle_timeout: '0s', udp_timeout: '1m30s', max_flows: 16_384 },
          counters: { flows_opened: 1, flows_ended: 1 },
        },
        { target: 81, at_run_time: true, ends: {} },
      ],
    });
  });

  it('--config writes a mapping file that check takes and that publishes the same', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const args = [
      '-p',
      `127.0.0.1::${target}`,
      '-p',
      '53/udp',
      '--idle-timeout',
      '90s',
      '--name',
      'web',
      '127.0.0.1',
    ];
    const web = await instances.run(args, 2);
    await instances.answer('publish', 'web', '-p', '127.0.0.1::81', '--to', '10.0.0.1');
    const before = await instances.answer('port', 'web');
    const path = join(temporaryFolder(scope), 'web.json');
    writeFileSync(path, await instances.answer('inspect', '--config', 'web'));
    expect(lines(await instances.answer('check', path))).toEqual([
      `web: ${target}/tcp of 127.0.0.1 -> 127.0.0.1:${web.port()}`,
      expect.stringMatching(/^web: 53\/udp of 127\.0\.0\.1 -> 0\.0\.0\.0:\d+, \[::\]:\d+$/),
      expect.stringMatching(/^10\.0\.0\.1: 81\/tcp of 10\.0\.0\.1 -> 127\.0\.0\.1:\d+$/),
    ]);
    await instances.answer('stop', 'web');
    await instances.run(['--config', path], lines(before).length);
    expect(await instances.answer('port', 'web')).toBe(before);
    expect(JSON.parse(await instances.answer('inspect', 'web'))).toMatchObject({
      mappings: [{ options: { idle_timeout: '1m30s' } }, { protocol: 'udp' }, { to: '10.0.0.1' }],
    });
  });
});

describe('sluice stop', () => {
  it('waits until flows have finished, and ports and name are free', async () => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const args = ['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1'];
    const web = await instances.run(args);
    const client = await dial(scope, web.port());
    client.write('slow');
    await once(client, 'data');
    const stop = instances.spawn(['stop', 'web', '--time', '1m']);
    await web.logged(({ signal }) => signal === 'sluice stop');
    expect(await dialError(scope, web.port())).toBe('ECONNREFUSED');
    expect(JSON.parse(await instances.answer('inspect', 'web'))).toMatchObject({
      status: 'stopping',
      flows: 1,
    });
    const refused = await instances.ask('publish', 'web', '-p', '81');
    expect(refused.stderr).toBe('sluice: it is stopping: nothing can be changed any more\n');
    expect(stop.child.exitCode).toBeNull();
    client.end();
    expect(await stop.ended()).toEqual({ code: 0, signal: null });
    expect(stop.stdout).toBe('web\n');
    await instances.run(args);
    expect(await web.ended()).toEqual({ code: 0, signal: null });
    expect(web.flows().map(({ reason }) => reason)).toEqual(['done']);
  });

  it.each([
    ['--time 0s', ['--time', '0s']],
    ['-t 0, as docker has it', ['-t', '0']],
  ])('%s resets what is in progress', async (_name, time) => {
    const instances = instancesIn(scope);
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
    const client = await dial(scope, web.port());
    client.on('error', () => undefined);
    client.write('stuck');
    await once(client, 'data');
    expect(await instances.answer('stop', ...time, 'web')).toBe('web\n');
    expect(await web.ended()).toEqual({ code: 0, signal: null });
    expect(web.flows().map(({ reason }) => reason)).toEqual(['drained']);
  });

  it('stops several, or none where one of them is not there', async () => {
    const instances = instancesIn(scope);
    const [a, b] = await Promise.all(
      ['a', 'b'].map((name) => instances.run(['-p', '127.0.0.1::80', '--name', name, '10.0.0.1'])),
    );
    expect((await instances.ask('stop', 'a', 'b', 'c')).code).toBe(1);
    expect(lines(await instances.answer('ls', '-q'))).toEqual(['a', 'b']);
    expect(lines(await instances.answer('stop', 'a', 'b')).sort()).toEqual(['a', 'b']);
    expect(await Promise.all([a?.ended(), b?.ended()])).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });
});

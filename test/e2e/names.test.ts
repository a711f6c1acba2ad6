/** Names of instances: one each, whatever becomes of their processes; and who may reach them. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { type Instances, instancesIn } from '../support/instances.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { sluicePath } from '../support/sluice-process.js';
import { dial, echo, exchange, listenTcp } from '../support/tcp-peers.js';

jest.setTimeout(60_000);
const scope = useScope();

const publishing = (name: string) => ['-p', '127.0.0.1::80', '--name', name, '10.0.0.1'];
/** The one socket of an instance. */
const socketOf = ({ folder }: Instances, name: string) =>
  join(folder, name, readdirSync(join(folder, name))[0] ?? '');

describe('a name', () => {
  it('is one instance’s: a second one publishes nothing and says whose it is', async () => {
    const instances = instancesIn(scope);
    const web = await instances.run(publishing('web'));
    const { code, stdout, stderr } = await instances.ask('run', ...publishing('web'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `sluice: the name web is taken, by process ${web.pid}: give this instance another one with --name, or publish more ports of that one with sluice publish web -p\n`,
    );
    expect(await instances.answer('ls', '-q')).toBe('web\n');
  });

  it('goes to one of those that start at once, also over one that was killed', async () => {
    const instances = instancesIn(scope);
    for (let round = 0; round < 3; round += 1) {
      const starts = Array.from({ length: 6 }, () => instances.spawn(['run', ...publishing('web')]));
      const outcomes = await Promise.all(
        starts.map((start) =>
          Promise.race([
            start.printed(1).then(
              () => 'runs',
              () => 'refused',
            ),
            start.exited.then(() => 'refused'),
          ]),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'runs')).toHaveLength(1);
      const winner = starts[outcomes.indexOf('runs')];
      for (const loser of starts.filter((start) => start !== winner)) {
        expect((await loser.ended()).code).toBe(1);
        expect(loser.stderr).toContain(`the name web is taken, by process ${winner?.pid}:`);
      }
      expect(readdirSync(instances.folder)).toEqual(['web']);
      winner?.signal('SIGKILL');
      await winner?.ended();
    }
  });

  it('of a killed instance is free, and its socket is cleaned up without a word', async () => {
    const instances = instancesIn(scope);
    const [web, other] = await Promise.all(['web', 'other'].map((name) => instances.run(publishing(name))));
    web?.signal('SIGKILL');
    await web?.ended();
    expect(readdirSync(instances.folder).sort()).toEqual(['other', 'web']);
    const { code, stdout, stderr } = await instances.ask('ls', '-q');
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'other\n', stderr: '' });
    expect(readdirSync(instances.folder)).toEqual(['other']);
    other?.signal('SIGKILL');
    await other?.ended();
    await instances.run(publishing('other'));
  });

  it.each(['SIGTERM', 'sluice stop'])('is gone with its folder after %s', async (how) => {
    const instances = instancesIn(scope);
    const web = await instances.run(publishing('web'));
    if (how === 'SIGTERM') await web.stop();
    else await instances.answer('stop', 'web');
    expect(readdirSync(instances.folder)).toEqual([]);
    await web.ended();
  });

  it('is given back by a start that fails', async () => {
    const instances = instancesIn(scope);
    const taken = await listenTcp(scope, echo);
    const { code } = await instances.ask('run', '-p', `127.0.0.1:${taken}:80`, '--name', 'web', '10.0.0.1');
    expect([code, readdirSync(instances.folder)]).toEqual([1, []]);
  });

  it('may be that of a folder which holds something else: it stays as it is', async () => {
    const instances = instancesIn(scope);
    mkdirSync(join(instances.folder, 'web'));
    writeFileSync(join(instances.folder, 'web', 'mine'), 'mine');
    const { code, stderr } = await instances.ask('run', ...publishing('web'));
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`the name web is taken, by whatever is in ${instances.folder}/web:`),
    ]);
    expect(await instances.answer('ls', '-q')).toBe('');
    expect(readdirSync(instances.folder)).toEqual(['web']);
  });
});

describe('an instance that cannot be reached forwards all the same', () => {
  it.each([
    [
      'a folder that cannot be made',
      (folder: string) => join(folder, 'file', 'below'),
      'part of its path is not a folder',
    ],
    [
      'a path too long for a socket',
      (folder: string) => join(folder, 'x'.repeat(100)),
      'longer than the 107 bytes',
    ],
    [
      'a folder that others write to',
      (folder: string) => join(folder, 'open'),
      'other users may write there',
    ],
    [
      'a folder that others write to, if only what is their own (sticky)',
      (folder: string) => join(folder, 'sticky'),
      'other users may write there',
    ],
  ])('%s', async (_name, pathIn, why) => {
    const folder = temporaryFolder(scope);
    writeFileSync(join(folder, 'file'), '');
    for (const [name, mode] of [
      ['open', 0o777],
      ['sticky', 0o1777],
    ] as const) {
      mkdirSync(join(folder, name));
      chmodSync(join(folder, name), mode);
    }
    const instances = instancesIn(scope, pathIn(folder));
    const target = await listenTcp(scope, echo);
    const web = await instances.run(['-p', `127.0.0.1::${target}`, '127.0.0.1']);
    expect(await exchange(await dial(scope, web.port()), 'hello')).toBe('hello');
    await web.stop();
    const warnings = web.records.filter(({ level }) => level === 40);
    expect(warnings.map(({ msg }) => String(msg))).toEqual([expect.stringContaining(why)]);
  });

  it('--no-control leaves no trace, and two of one name may run', async () => {
    const instances = instancesIn(scope, join(temporaryFolder(scope), 'runtime'));
    const [one] = await Promise.all([1, 2].map(() => instances.run(['--no-control', ...publishing('web')])));
    expect(() => statSync(instances.folder)).toThrow('ENOENT');
    expect(await instances.answer('ls', '-q')).toBe('');
    await one?.stop();
    expect(one?.records.filter(({ level }) => Number(level) > 30)).toEqual([]);
  });
});

const isRoot = process.getuid?.() === 0;
const someone = 65_534;

/** Runs a program as somebody else. */
function asSomeone(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { code: number; stderr: string } {
  const ids = [`--reuid=${someone}`, `--regid=${someone}`, '--clear-groups'];
  try {
    execFileSync('setpriv', [...ids, file, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...process.env, ...env },
    });
    return { code: 0, stderr: '' };
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    return { code: status, stderr };
  }
}

const dialling =
  "require('net').connect(process.argv[1]).on('connect', () => process.exit(0)).on('error', (e) => { console.error(e.code); process.exit(1); })";

describe('a control socket', () => {
  it('is its user’s alone: 0600 in a folder of 0700', async () => {
    const parent = temporaryFolder(scope);
    const instances = instancesIn(scope, join(parent, 'runtime'));
    await instances.run(publishing('web'));
    const modes = [instances.folder, join(instances.folder, 'web'), socketOf(instances, 'web')].map((path) =>
      (statSync(path).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', '700', '600']);
  });

  it('in a folder of somebody else is not asked', async () => {
    if (!isRoot) {
      console.warn('A foreign runtime folder is not tested: only root can give a folder away');
      return;
    }
    const instances = instancesIn(scope);
    chownSync(instances.folder, someone, someone);
    const { code, stderr } = await instances.ask('ls');
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot be trusted: it belongs to another user (uid ${someone})`);
  });

  it('in a folder where others may be first to have a name is not asked', async () => {
    const instances = instancesIn(scope);
    chmodSync(instances.folder, 0o1777);
    for (const command of [['ls'], ['stop', 'web'], ['publish', 'web', '-p', '127.0.0.1::80']]) {
      const { code, stderr } = await instances.ask(...command);
      expect(code).toBe(1);
      expect(stderr).toContain('cannot be trusted: other users may write there');
    }
  });
});

describeWhere(existsSync('/proc/self'), 'there is no /proc', 'a file system that takes no folders', () => {
  it.each(['/proc/sluice', '/proc/sluice/below'])(
    'is told as the reason why an instance cannot be reached: %s',
    async (folder) => {
      const web = await instancesIn(scope, folder).run(publishing('web'));
      await web.logged(({ msg }) => String(msg).includes(`${folder}: no folder can be made there`));
      expect(await web.stop()).toEqual({ code: 0, signal: null });
    },
  );
});

describeWhere(isRoot, 'only root can mount', 'a read-only file system', () => {
  it('is told as the reason why an instance cannot be reached', async () => {
    const folder = temporaryFolder(scope);
    const mounting = 'mount -t tmpfs -o ro tmpfs "$1" && shift && exec "$@"';
    const args = ['run', '-p', '127.0.0.1::80', '--wait', '0s', '10.0.0.1'];
    const web = spawn(
      'unshare',
      ['--mount', 'sh', '-c', mounting, 'sh', folder, process.execPath, sluicePath, ...args],
      {
        env: { ...process.env, SLUICE_RUNTIME_DIR: join(folder, 'a', 'b') },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    scope.onEnd(() => web.kill('SIGKILL'));
    const [first] = await once(web.stderr.setEncoding('utf8'), 'data');
    expect(String(first)).toContain(`${join(folder, 'a', 'b')}: the file system is read-only`);
  });
});

describeWhere(isRoot, 'only root can be two users', 'another user', () => {
  it('cannot open a control socket, wherever it is', async () => {
    const instances = instancesIn(scope);
    // The runtime folder is open to all; what is in it is not.
    chmodSync(instances.folder, 0o755);
    await instances.run(publishing('web'));
    const path = socketOf(instances, 'web');
    expect(asSomeone(process.execPath, ['-e', dialling, path])).toEqual({ code: 1, stderr: 'EACCES\n' });
    // Nor by the socket's own mode, where its folder lets him in.
    chmodSync(join(instances.folder, 'web'), 0o755);
    expect(asSomeone(process.execPath, ['-e', dialling, path])).toEqual({ code: 1, stderr: 'EACCES\n' });
    // The same words find a socket that is open to all.
    const open = join(temporaryFolder(scope), 'open.sock');
    const server = createServer().listen(open);
    scope.onEnd(() => server.close());
    await once(server, 'listening');
    chmodSync(join(open, '..'), 0o755);
    chmodSync(open, 0o777);
    const probe = connect(open);
    await once(probe, 'connect');
    probe.destroy();
    expect(asSomeone(process.execPath, ['-e', dialling, open])).toEqual({ code: 0, stderr: '' });
  });
});

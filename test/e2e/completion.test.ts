/** Completion, in the shells it is for. */
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { type Instances, instancesIn } from '../support/instances.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { sluicePath } from '../support/sluice-process.js';

jest.setTimeout(60_000);
const scope = useScope();
const execute = promisify(execFile);

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

async function twoInstances(): Promise<Instances> {
  const instances = instancesIn(scope);
  await instances.run(['-p', '127.0.0.1::80', '-p', '127.0.0.1::53/udp', '--name', 'web', '10.0.0.1'], 2);
  await instances.run(['-p', '127.0.0.1::80', '--name', 'db', '10.0.0.1']);
  return instances;
}

describe('what a word may become', () => {
  const values = async (instances: Instances, ...words: string[]) =>
    lines(await instances.answer('__complete', '--', ...words)).map((line) => line.replace(/\t.*/, ''));

  it('is a command, an option, an option’s value, an instance or a port', async () => {
    const instances = await twoInstances();
    const help = lines(await instances.answer('--help'));
    const commands = help.flatMap((line) => /^ {2}sluice (\w+)/.exec(line)?.[1] ?? []);
    expect((await values(instances, '')).sort()).toEqual(commands.sort());
    expect(await values(instances, 'un')).toEqual(['unpublish']);
    expect(await values(instances, 'port', '')).toEqual(['db', 'web']);
    expect(await values(instances, 'port', 'w')).toEqual(['web']);
    expect(await values(instances, 'port', 'web', '')).toEqual(['80/tcp', '53/udp']);
    expect(await values(instances, 'port', 'web', '80', '')).toEqual([]);
    expect(await values(instances, 'unpublish', '--time', '5s', 'web', '80', '5')).toEqual(['53/udp']);
    expect(await values(instances, 'stop', 'web', '')).toEqual(['db', 'web']);
    expect(await values(instances, 'logs', '-f', 'd')).toEqual(['db']);
    expect(await values(instances, 'ls', '--format', '')).toEqual(['table', 'json']);
    expect(await values(instances, 'run', '--no')).toEqual(['--no-access-log', '--no-control']);
    expect(await values(instances, 'run', '--engine', 's')).toEqual(['splice', 'stream']);
    expect(await values(instances, 'run', '--config', 'x')).toEqual([':files']);
    expect(await values(instances, 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await values(instances, 'constructor', '')).toEqual([]);
    expect(await values(instances)).toHaveLength(commands.length);
  });

  it.each(['run', 'ls', 'logs', 'inspect', 'publish', 'unpublish', 'stop', 'check'])(
    'is every option of sluice %s that its help has',
    async (command) => {
      const instances = instancesIn(scope);
      const offered = await values(instances, command, '-');
      const help = await instances.answer(command, '--help');
      const listed = [...help.matchAll(/^ {2}(?:-\w, | {4})(--[\w-]+)/gm)].map(([, long]) => long);
      const asListed = offered.map((option) => option.replace(/^--no-/, '--'));
      expect([...asListed, '--version'].sort()).toEqual(listed.sort());
    },
  );
});

function has(shell: string): boolean {
  try {
    execFileSync(shell, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a shell that finds `sluice` and its completion script, in a folder with one file. */
async function inShell(instances: Instances, shell: string, args: readonly string[]): Promise<string[]> {
  const folder = temporaryFolder(scope);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'sluice'), `#!/bin/sh\nexec '${process.execPath}' '${sluicePath}' "$@"\n`);
  chmodSync(join(bin, 'sluice'), 0o755);
  mkdirSync(join(folder, 'here'));
  writeFileSync(join(folder, 'here', 'my ports.json'), '');
  writeFileSync(join(folder, 'completion'), await instances.answer('completion', shell));
  const { stdout } = await execute(shell, [...args], {
    cwd: join(folder, 'here'),
    env: {
      ...process.env,
      ...instances.env,
      HOME: folder,
      PATH: `${bin}:${process.env['PATH']}`,
      SCRIPT: join(folder, 'completion'),
    },
  });
  return lines(stdout);
}

describeWhere(has('bash'), 'there is no bash', 'bash', () => {
  it('completes instances, ports, options and files', async () => {
    const instances = await twoInstances();
    const completed = (...words: string[]) => {
      const array = words.map((word) => `'${word}'`).join(' ');
      const script = `source "$SCRIPT"; complete -p sluice >/dev/null || exit 1
compopt() { :; }
COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return inShell(instances, 'bash', ['--norc', '-c', script]);
    };
    expect(await completed('sluice', 'port', '')).toEqual(['db', 'web']);
    expect(await completed('sluice', 'unpublish', 'web', '8')).toEqual(['80/tcp']);
    expect(await completed('sluice', 'logs', '--f')).toEqual(['--follow']);
    expect(await completed('sluice', 'check', 'my')).toEqual(['my ports.json']);
  });
});

describeWhere(has('zsh'), 'there is no zsh', 'zsh', () => {
  it('completes instances and ports with what they mean, and files', async () => {
    const instances = await twoInstances();
    const completed = (...words: string[]) => {
      const array = words.map((word) => `'${word}'`).join(' ');
      // The completion system's own functions need a line that is being edited; these show what they are given.
      const script = `compdef() { registered="$*" }
_describe() { print -rl -- "\${(@P)3}" }
_files() { print -r -- '(files)' }
source "$SCRIPT"; [[ $registered == '_sluice sluice' ]] || exit 1
words=(${array}); CURRENT=${words.length}; _sluice; true`;
      return inShell(instances, 'zsh', ['-f', '-c', script]);
    };
    expect(await completed('sluice', 'port', '')).toEqual(['db:instance', 'web:instance']);
    expect(await completed('sluice', 'unpublish', 'web', '8')).toEqual(['80/tcp:port of web']);
    expect(await completed('sluice', 'check', 'my')).toEqual(['(files)']);
  });
});

describeWhere(has('fish'), 'there is no fish', 'fish', () => {
  it('completes instances and ports with what they mean, and files', async () => {
    const instances = await twoInstances();
    const completed = (line: string) =>
      inShell(instances, 'fish', ['--no-config', '-c', `source $SCRIPT; complete -C '${line}'`]);
    expect((await completed('sluice port ')).sort()).toEqual(['db\tinstance', 'web\tinstance']);
    expect(await completed('sluice unpublish web 8')).toEqual(['80/tcp\tport of web']);
    expect(await completed('sluice logs --f')).toEqual([expect.stringMatching(/^--follow\t/)]);
    expect(await completed('sluice check my')).toEqual(['my ports.json']);
  });
});

/** What the executable says and how it ends, without forwarding anything. */
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { limits } from '../../src/limits.js';
import { temporaryFolder } from '../support/folder.js';
import { openFullDisk } from '../support/full-disk.js';
import { useScope } from '../support/scope.js';
import { sluiceOutput, spawnSluice } from '../support/sluice-process.js';
import { dial } from '../support/tcp-peers.js';

const scope = useScope();

const example = `{ "$schema": "https://example.org/schema.json", "name": "edge",
  "mappings": [
    { "name": "web", "to": "172.17.0.2", "ports": ["8080:80", "127.0.0.1:5353:53/udp",
        { "target": 443, "published": "8443", "host_ip": "127.0.0.1", "protocol": "tcp" }],
      "connect_timeout": "5s", "wait": "30s", "idle_timeout": "10m", "udp_timeout": "90s", "max_flows": 10000 },
    { "to": "unix:/run/app.sock", "ports": [90, "8000-8010:91", "127.0.0.1::92"] } ] }`;

function file(text: string): string {
  const path = join(temporaryFolder(scope), 'mappings.json');
  writeFileSync(path, text);
  return path;
}

describe('wrong usage ends with 2 and one line on stderr', () => {
  it.each([
    ['no command', [], 'Which command? See sluice --help'],
    ['an unknown command', ['xyzzy'], 'Unknown command: xyzzy. See sluice --help'],
    ['a command misspelt', ['lss'], 'Unknown command: lss, did you mean ls? See sluice --help'],
    [
      'an unknown option',
      ['run', '--xyzzy', '-p', '80', '::1'],
      'Unknown argument: --xyzzy. See sluice run --help',
    ],
    [
      'an option misspelt',
      ['run', '--publsh', '80', '::1'],
      'Unknown argument: --publsh, did you mean --publish?',
    ],
    [
      '--no- misspelt',
      ['run', '--no-acess-log'],
      'Unknown argument: --no-acess-log, did you mean --no-access-log?',
    ],
    ['an unknown letter', ['ls', '-qx'], 'Unknown argument: -x. See sluice ls --help'],
    ['a word too many', ['ls', 'q'], 'Unknown argument: q. See sluice ls --help'],
    ['no target', ['run', '-p', '80'], 'nowhere to lead to: give a target'],
    ['no port', ['run', '::1'], 'no port to publish: add -p'],
    ['a target that is none', ['run', '-p', '80', 'a b'], 'invalid target "a b": it must be an IP address'],
    ['an empty target', ['run', '-p', '80', ''], 'invalid target "": it must be an IP address'],
    ['an empty name', ['run', '-p', '80', '--name', '', '::1'], '--name "": it must be a name of letters'],
    ['a name that is a path', ['run', '-p', '80', '--name', '../x', '::1'], '--name "../x": it must be a'],
    ['an empty container port', ['run', '-p', '80:', '::1'], '-p 80:: no port specified: 80:<empty>'],
    ['a bad container port', ['run', '-p', '80:0', '::1'], '-p 80:0: invalid containerPort: 0'],
    ['a bad host port', ['run', '-p', '70000:80', '::1'], '-p 70000:80: invalid hostPort: 70000'],
    ['a bad host ip', ['run', '-p', '1.2.3:80:80', '::1'], '-p 1.2.3:80:80: invalid IP address: 1.2.3'],
    ['a bad protocol', ['run', '-p', '80/tpc', '::1'], '-p 80/tpc: invalid proto: tpc'],
    [
      'ranges of two lengths',
      ['run', '-p', '80-82:80-81', '::1'],
      'invalid ranges specified for container and host Ports: 80-81 and 80-82',
    ],
    ['sctp', ['run', '-p', '80/sctp', '::1'], 'unsupported protocol sctp: sluice forwards tcp and udp'],
    ['no name', ['port'], 'which instance? Usage: sluice port <name> [port]'],
    ['no names', ['stop'], 'which instance? Usage: sluice stop <names..>'],
    ['no port of a name', ['unpublish', 'web'], 'which port? Usage: sluice unpublish <name> <ports..>'],
    ['no shell', ['completion'], 'which shell? Usage: sluice completion <shell>'],
    ['nothing to publish', ['publish', 'web'], 'no --publish was given: see sluice publish --help'],
    ['an unknown shell', ['completion', 'tcsh'], 'shell "tcsh" is none of "bash", "zsh", "fish"'],
    ['-p without a value', ['run', '-p'], '-p needs a value: see sluice run --help'],
    ['a bad port right behind -p', ['run', '-p8080:80x', '::1'], '-p 8080:80x: invalid containerPort: 80x'],
    ['a bad time right behind -t', ['stop', '-t5x', 'web'], '--time: invalid duration "5x"'],
    [
      'more words after --',
      ['run', '-p', '80', '::1', '--', '::2', '-p', '81'],
      'Unknown arguments: ::2, -p, 81',
    ],
    ['a wrong word after --', ['completion', '--', '-x'], 'shell "-x" is none of "bash"'],
    ['words after -- where none belong', ['ls', '--', 'foo'], 'Unknown argument: foo'],
    ['--no-publish', ['run', '--no-publish', '::1'], '--no-publish: only what is on or off takes --no-'],
    ['-p with --config', ['run', '-p', '80', '--config', 'x'], '-p cannot be given with --config'],
    ['a target with --config', ['run', '--config', 'x', '::1'], 'a target cannot be given with --config'],
    [
      'a duration without unit',
      ['run', '-p', '80', '--idle-timeout', '5', '::1'],
      'invalid duration "5": it must be a',
    ],
    ['a wait that is none', ['run', '-p', '80', '--wait', '5', '::1'], '--wait: invalid duration'],
    ['a duration of 0', ['run', '-p', '80', '--connect-timeout', '0s', '::1'], '--connect-timeout 0s:'],
    ['a bad drain timeout', ['run', '-p', '80', '--drain-timeout', 'x', '::1'], 'invalid duration "x"'],
    [
      'a format given twice',
      ['check', '--format', 'json', '--format', 'json', 'x'],
      '--format was given 2 times: it takes one value',
    ],
    ['a bad count', ['run', '-p', '80', '--max-flows', '1.5', '::1'], '--max-flows 1.5: it must be a whole'],
    ['too large a count', ['run', '-p', '80', '--max-flows', '1048577', '::1'], 'from 1 to 1048576'],
    [
      'too many shards',
      ['run', '-p', '80', '--shards', '65', '::1'],
      '--shards 65: it must be auto, or a whole number from 0 to 64',
    ],
    [
      'an unknown engine',
      ['run', '-p', '80', '--engine', 'warp', '::1'],
      'engine "warp" is none of "auto", ',
    ],
    ['an unknown level', ['run', '-p', '80', '--log-level', 'loud', '::1'], 'log-level "loud" is none of'],
    [
      'an option given twice',
      ['run', '-p', '80', '--name', 'a', '--name', 'b', '::1'],
      '--name was given 2 times: it takes one value',
    ],
    ['check without a file', ['check'], 'which mapping file? Give one, as in sluice check mappings.json'],
    ['an unknown format', ['check', '--format', 'yaml', 'x'], 'format "yaml" is none of "text", "json"'],
  ])('%s', async (_name, args, message) => {
    const { code, stdout, stderr } = await sluiceOutput(scope, args);
    expect({ code, stdout, lines: stderr.split('\n').length - 1 }).toEqual({ code: 2, stdout: '', lines: 1 });
    expect(stderr).toContain(message);
  });
});

it('a start that fails says why, and not that anything is forwarded', async () => {
  const env = { DOCKER_HOST: 'unix:///no/such.sock' };
  const { code, stdout, stderr } = await sluiceOutput(
    scope,
    ['run', '--no-control', '-p', '127.0.0.1::80', 'docker:web'],
    { env },
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(
    'sluice: Docker at unix:///no/such.sock does not answer: there is no such socket (is Docker running?)\n',
  );
});

describe('a bad mapping file ends with 1', () => {
  const bad =
    '{ "mappings": [\n  { "to": "::1", "ports": ["80:0"], "prots": [] },\n  { "ports": [true] } ] }';

  it.each(['check', 'run --config'])('and every fault with its place: %s', async (command) => {
    const path = file(bad);
    const { code, stdout, stderr } = await sluiceOutput(scope, [...command.split(' '), path]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toBe(`sluice: ${path} has 4 faults: nothing is published from it`);
    expect(lines.slice(1).map((line) => line.trim().slice(path.length, path.length + 75))).toEqual([
      expect.stringMatching(/^:2:28: mappings\[0\]\.ports\[0\]: "80:0": invalid containerPort: 0;/),
      expect.stringMatching(/^:2:46: mappings\[0\]\.prots: unknown key, did you mean "ports"\?/),
      expect.stringMatching(/^:3:3: mappings\[1\]\.to: "to" is missing/),
      expect.stringMatching(/^:3:15: mappings\[1\]\.ports\[0\]: true is not allowed: it must be/),
    ]);
  });

  it('that has a name like an option’s', async () => {
    const { code, stderr } = await sluiceOutput(scope, ['check', '--', '--no-such']);
    expect(code).toBe(1);
    expect(stderr).toBe('sluice: cannot read the mapping file --no-such: no such file\n');
  });

  it('that cannot be read', async () => {
    const { code, stderr } = await sluiceOutput(scope, ['check', '/no/such/file.json']);
    expect(code).toBe(1);
    expect(stderr).toBe('sluice: cannot read the mapping file /no/such/file.json: no such file\n');
  });

  it('that is not UTF-8', async () => {
    const path = join(temporaryFolder(scope), 'latin1.json');
    writeFileSync(
      path,
      Buffer.from('{"mappings":[{"to":"unix:/run/caf\xe9.sock","ports":["80"]}]}', 'latin1'),
    );
    const { code, stderr } = await sluiceOutput(scope, ['check', path]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `sluice: cannot read the mapping file ${path}: it is not UTF-8, which JSON is written in\n`,
    );
  });

  it('that has all the bytes allowed, and no one more', async () => {
    const most = limits.mappingFileBytes;
    const path = join(temporaryFolder(scope), 'large.json');
    writeFileSync(path, example.padEnd(most));
    expect(await sluiceOutput(scope, ['check', path])).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(path, example.padEnd(most + 1));
    const { code, stderr } = await sluiceOutput(scope, ['check', path]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `sluice: cannot read the mapping file ${path}: it has more than the ${most} bytes allowed\n`,
    );
  });

  it('that never ends', async () => {
    const { code, stderr } = await sluiceOutput(scope, ['check', '/dev/zero']);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `sluice: cannot read the mapping file /dev/zero: it has more than the ${limits.mappingFileBytes} bytes allowed\n`,
    );
  });
});

describe('sluice check', () => {
  it('prints one port a line', async () => {
    const { code, stdout, stderr } = await sluiceOutput(scope, ['check', file(example)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`web: 80/tcp of 172.17.0.2 -> 0.0.0.0:8080, [::]:8080
web: 53/udp of 172.17.0.2 -> 127.0.0.1:5353
web: 443/tcp of 172.17.0.2 -> 127.0.0.1:8443
unix:/run/app.sock: 90/tcp of unix:/run/app.sock -> 0.0.0.0:(free port), [::]:(free port)
unix:/run/app.sock: 91/tcp of unix:/run/app.sock -> 0.0.0.0:8000-8010, [::]:8000-8010
unix:/run/app.sock: 92/tcp of unix:/run/app.sock -> 127.0.0.1:(free port)
`);
  });

  it('shows what would steer a terminal, or break the line, as JSON writes it', async () => {
    const to = 'unix:/run/\u001b]0;title\u0007\n.sock';
    const path = file(JSON.stringify({ mappings: [{ name: 'odd', to, ports: ['127.0.0.1:80:80'] }] }));
    const { code, stdout } = await sluiceOutput(scope, ['check', path]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'odd: 80/tcp of unix:/run/\\u001b]0;title\\u0007\\n.sock -> 127.0.0.1:80\n',
    });
  });

  it('takes the file after --', async () => {
    const { code, stdout } = await sluiceOutput(scope, ['check', '--format=json', '--', file(example)]);
    expect({ code, ports: JSON.parse(stdout) }).toMatchObject({ code: 0, ports: { length: 6 } });
  });

  it('prints an array with a record a port in the mapping file’s key names', async () => {
    const { code, stdout } = await sluiceOutput(scope, ['check', '--format', 'json', file(example)]);
    expect(code).toBe(0);
    const web = { mapping: 'web', to: '172.17.0.2' };
    const app = { mapping: 'unix:/run/app.sock', to: 'unix:/run/app.sock', protocol: 'tcp' };
    expect(JSON.parse(stdout)).toStrictEqual([
      { ...web, protocol: 'tcp', host_ip: '', published: '8080', target: 80 },
      { ...web, protocol: 'udp', host_ip: '127.0.0.1', published: '5353', target: 53 },
      { ...web, protocol: 'tcp', host_ip: '127.0.0.1', published: '8443', target: 443 },
      { ...app, host_ip: '', published: '', target: 90 },
      { ...app, host_ip: '', published: '8000-8010', target: 91 },
      { ...app, host_ip: '127.0.0.1', published: '', target: 92 },
    ]);
  });

  it('is not harmed by a reader that has seen enough', async () => {
    const ports = Array.from({ length: 20_000 }, (_, index) => `${index + 1}:80`);
    const path = file(JSON.stringify({ mappings: [{ to: '10.0.0.1', ports }] }));
    const check = spawnSluice(scope, ['check', path]);
    check.child.stdout?.once('data', () => check.child.stdout?.destroy());
    expect(await check.ended()).toEqual({ code: 0, signal: null });
    expect(check.stderr).toBe('');
  });
});

describe('on a full disk', () => {
  it.each([['--help'], ['run', '--help'], ['--version'], ['run', '--version'], ['schema'], ['ls']])(
    'sluice %s %s tells in one line that its answer could not be written',
    async (...args) => {
      const full = openFullDisk(scope);
      if (full === undefined) return;
      const sluice = spawnSluice(scope, args, { stdoutFile: full });
      expect(await sluice.ended()).toEqual({ code: 1, signal: null });
      expect(sluice.stderr).toBe('sluice: cannot write to stdout: ENOSPC: no space left on device, write\n');
    },
  );

  it.each([['run', '-p', '127.0.0.1::80', '-p', '127.0.0.1::81', '::1'], ['demo']])(
    'sluice %s logs what it has published',
    async (...args) => {
      const full = openFullDisk(scope);
      if (full === undefined) return;
      const sluice = spawnSluice(scope, args, { stdoutFile: full });
      const { msg } = await sluice.logged((record) => String(record['msg']).includes('stdout'));
      expect(msg).toMatch(
        /^cannot write to stdout: ENOSPC.*; published: \d+\/tcp -> 127\.0\.0\.1:\d+, \d+\/(tcp|udp) -> 127\.0\.0\.1:\d+$/,
      );
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(String(msg))?.[1]);
      const client = await dial(scope, port);
      client.destroy();
      expect(await sluice.stop()).toEqual({ code: 0, signal: null });
      expect(sluice.records.filter((record) => String(record['msg']).includes('stdout'))).toHaveLength(1);
    },
  );
});

it('sluice schema prints a JSON Schema', async () => {
  const { code, stdout } = await sluiceOutput(scope, ['schema']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ type: 'object', required: ['mappings'] });
});

it('--version and --help print on stdout and end with 0', async () => {
  const version = await sluiceOutput(scope, ['--version']);
  expect(version).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  const help = await sluiceOutput(scope, ['--help']);
  expect({ code: help.code, stderr: help.stderr }).toEqual({ code: 0, stderr: '' });
  for (const command of ['run', 'check', 'schema', 'demo'])
    expect(help.stdout).toContain(`sluice ${command}`);
});

it('stop tells of every name that is no instance’s, and one that is alone in its line', async () => {
  const one = await sluiceOutput(scope, ['stop', 'nope']);
  expect(one).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^sluice: no instance is called "nope": none runs .*\n$/),
  });
  const twice = await sluiceOutput(scope, ['stop', 'nope', 'nope']);
  expect(twice.stderr).toMatch(/^sluice: no instance is called "nope": none runs .*\n$/);
  const shared = temporaryFolder(scope);
  chmodSync(shared, 0o777);
  const untold = await sluiceOutput(scope, ['stop', 'nope', 'nope2'], {
    env: { SLUICE_RUNTIME_DIR: shared },
  });
  expect(untold.stderr).toMatch(/^sluice: the runtime folder .* cannot be trusted: .*\n$/);
  const two = await sluiceOutput(scope, ['stop', 'nope', 'nope2']);
  expect({ ...two, stderr: two.stderr.split('\n') }).toEqual({
    code: 1,
    stdout: '',
    stderr: [
      "sluice: 2 names are no instance's: nothing is stopped",
      expect.stringMatching(/^ {2}no instance is called "nope": /),
      expect.stringMatching(/^ {2}no instance is called "nope2": /),
      '',
    ],
  });
});

describe('in a folder that was deleted', () => {
  /** The shell goes there, deletes it and becomes the command. */
  const gone = () => ['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', temporaryFolder(scope)];

  it('a command of an installed sluice works', async () => {
    const installed = join(temporaryFolder(scope), 'node_modules', 'sluice');
    for (const folder of ['bin', 'dist']) cpSync(folder, join(installed, folder), { recursive: true });
    const executable = join(installed, 'bin', 'sluice.js');
    const ls = await sluiceOutput(scope, ['ls', '-q'], { within: gone(), executable });
    expect(ls).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('a command of a checkout says what is wrong', async () => {
    const ls = await sluiceOutput(scope, ['ls', '-q'], { within: gone() });
    const stderr = 'sluice: the folder it was started in is gone: start it in another\n';
    expect(ls).toEqual({ code: 1, stdout: '', stderr });
  });
});

it('--version is the same in any folder', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  const elsewhere = spawnSluice(scope, ['--version'], { cwd: tmpdir() });
  expect(await elsewhere.ended()).toEqual({ code: 0, signal: null });
  expect(elsewhere.stdout).toBe(`${version}\n`);
});

/** What a start loads, and how it goes on where the bundle's code cache is of no use. */
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';

jest.setTimeout(60_000);
const scope = useScope();
const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/** The modules that a command ran, Node's among them: V8's coverage counts each of our bundle by its path. */
function modulesRun(folder: string): string[] {
  const scripts = readdirSync(folder).flatMap(
    (file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Coverage).result,
  );
  const ours = scripts
    .flatMap(({ functions }) => functions)
    .filter(
      ({ functionName, ranges }) =>
        /^(build|node_modules)\//.test(functionName) && (ranges[0]?.count ?? 0) > 0,
    );
  return [...scripts.map(({ url }) => url), ...ours.map(({ functionName }) => functionName)];
}

it('run with -p and an address loads neither yargs nor the mapping file’s parser and schema nor the terminal’s printer nor Docker’s client nor the DNS', async () => {
  const folder = temporaryFolder(scope);
  const sluice = await runSluice(scope, ['-p', '127.0.0.1::80', '::1'], 1, {
    env: { NODE_V8_COVERAGE: folder },
  });
  await sluice.stop();
  const run = modulesRun(folder);
  expect(run).toContain('build/src/instance/instance.js');
  const libraries = [
    'yargs',
    'valibot',
    '@valibot',
    '@humanwhocodes',
    'leven',
    'pino-pretty',
    'pretty-bytes',
    'undici',
  ];
  const parts = [
    'command-line',
    'read-mapping-file',
    'print-schema',
    'check',
    'demo',
    'instance-commands',
    'ls',
  ];
  const unwanted = [
    ...libraries.map((name) => `node_modules/${name}/`),
    ...parts.map((name) => `build/src/cli/${name}.js`),
    'build/src/log/pretty-stream.js',
    'build/src/engine/stream/',
    'build/src/docker/',
    'build/src/target/docker-target.js',
    'build/src/target/name-target.js',
    'build/src/target/dns-target.js',
    // Nobody has asked this instance anything, so it has not even loaded what would answer.
    'build/src/admin/control-server.js',
    'node:http',
    'node:crypto',
    'node:dns/promises',
  ];
  expect(run.filter((module) => unwanted.some((start) => module.startsWith(start)))).toEqual([]);
});

it.each([
  ['is missing', (cache: string) => rmSync(cache)],
  ['is of another V8', (cache: string) => writeFileSync(cache, Buffer.alloc(1000, 7))],
])('a start whose code cache %s takes longer and does the same', async (_, spoil) => {
  const folder = temporaryFolder(scope);
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  spoil(join(folder, 'dist/sluice.js.code-cache'));
  const sluice = await runSluice(scope, ['-p', '127.0.0.1::80', '::1'], 1, {
    executable: join(folder, 'bin/sluice.js'),
  });
  await sluice.stop();
  expect(sluice.records.at(-1)).toMatchObject({ msg: 'stopped' });
});

it.each(['tcp', 'udp'])('takes less than 60 MB with one mapping: %s', async (protocol) => {
  const sluice = await runSluice(scope, ['-p', `127.0.0.1::9/${protocol}`, '127.0.0.1'], 1);
  const status = readFileSync(`/proc/${sluice.pid}/status`, 'utf8');
  expect(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])).toBeLessThan(60_000);
});

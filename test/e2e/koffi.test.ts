/** Which koffi an installed sluice finds, and what it does without one. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';
import { runSluice, sluiceOutput } from '../support/sluice-process.js';

const scope = useScope();
const binaryPackage = join('@koromix', `koffi-${process.platform}-${process.arch}`);
const toLoopback = ['-p', '127.0.0.1::9', '127.0.0.1'];

/** An application's node_modules with sluice in it, and nothing beside. */
function installedAlone(): string {
  const modules = join(temporaryFolder(scope), 'node_modules');
  for (const folder of ['bin', 'dist']) cpSync(folder, join(modules, 'sluice', folder), { recursive: true });
  return modules;
}

function install(modules: string, name: string): void {
  mkdirSync(dirname(join(modules, name)), { recursive: true });
  cpSync(join('node_modules', name), join(modules, name), { recursive: true });
}

/** As pnpm does it: what it needs lies beside the place that the link leads to. */
function link(modules: string, name: string): void {
  symlinkSync(join(process.cwd(), 'node_modules', name), join(modules, name));
}

/** A package of this machine's binary that does not say the version that sluice was made for. */
function installOtherBinary(modules: string, version: string): void {
  const folder = join(modules, binaryPackage);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.js'), `exports.version = '${version}';`);
}

const executableIn = (modules: string) => join(modules, 'sluice', 'bin', 'sluice.js');

async function engineOf(modules: string): Promise<unknown> {
  const sluice = await runSluice(scope, toLoopback, 1, { executable: executableIn(modules) });
  const { engine } = await sluice.logged(({ msg }) => String(msg).startsWith('forwarding with'));
  await sluice.stop();
  return engine;
}

describe('the splice engine runs', () => {
  it.each<[string, (modules: string) => void]>([
    [
      'with koffi and its binary beside sluice',
      (modules) => {
        install(modules, 'koffi');
        install(modules, binaryPackage);
      },
    ],
    ['with a koffi whose binary sluice cannot see', (modules) => link(modules, 'koffi')],
    [
      'beside the binary of another koffi',
      (modules) => {
        link(modules, 'koffi');
        installOtherBinary(modules, '2.9.0');
      },
    ],
  ])('%s', async (_, prepare) => {
    const modules = installedAlone();
    prepare(modules);
    expect(await engineOf(modules)).toBe('splice');
  });
});

describe('it says what to install, and --engine auto takes the stream engine', () => {
  it.each<[string, (modules: string) => void, string]>([
    ['without koffi', () => {}, "Cannot find module 'koffi'"],
    [
      'with a koffi that has no binary for this machine',
      (modules) => install(modules, 'koffi'),
      'Cannot find the native Koffi module; did you bundle it correctly?',
    ],
  ])('%s', async (_, prepare, why) => {
    const modules = installedAlone();
    prepare(modules);
    expect(await engineOf(modules)).toBe('stream');
    const splice = await sluiceOutput(scope, ['run', '--engine', 'splice', ...toLoopback], {
      executable: executableIn(modules),
    });
    expect(splice).toEqual({
      code: 1,
      stdout: '',
      stderr: `sluice: the splice engine cannot run here: koffi, by which it calls the system, does not load (${why}): npm install koffi; use --engine auto or stream\n`,
    });
  });
});

it('the koffi it looks for is the one that package.json asks for', () => {
  const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly optionalDependencies: { readonly koffi: string };
  };
  expect(optionalDependencies.koffi).toMatch(/^\^3\./);
});

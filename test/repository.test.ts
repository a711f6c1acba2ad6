/** The repository's rules, checked on its files as text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** What each folder of src may import, besides itself and the files that all may use. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  address: [],
  metrics: [],
  log: ['address', 'metrics'],
  publish: ['address'],
  sys: [],
  engine: ['address', 'publish', 'metrics', 'log'],
  'engine/stream': ['engine', 'address', 'publish', 'metrics', 'log'],
  'engine/splice': ['engine', 'sys', 'address', 'publish', 'metrics', 'log'],
  listener: ['engine', 'engine/stream', 'engine/splice', 'sys', 'address', 'publish', 'metrics', 'log'],
  docker: ['address', 'publish'],
  target: ['target/netns', 'docker', 'address', 'publish', 'metrics', 'log'],
  'target/netns': ['target', 'docker', 'sys', 'address', 'publish', 'metrics', 'log'],
  instance: [
    ...['target', 'target/netns', 'listener', 'engine', 'engine/stream', 'engine/splice'],
    ...['address', 'publish', 'metrics', 'log'],
  ],
  admin: ['instance', 'engine', 'address', 'publish', 'metrics', 'log'],
  load: [],
  'docker-proxy': ['instance', 'engine', 'listener', 'address', 'publish', 'metrics', 'log'],
  cli: [
    ...['admin', 'instance', 'target', 'docker', 'listener', 'engine'],
    ...['address', 'publish', 'metrics', 'log'],
  ],
};

const root = process.cwd();
const forAll = ['src/errors.ts', 'src/limits.ts', 'src/version.ts', 'src/wait-at-most.ts'];
const most = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function filesUnder(folder: string): SourceFile[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile() && found.name.endsWith('.ts'))
    .map((found) => relative(root, join(found.parentPath, found.name)))
    .sort()
    .map((file) => ({ path: file, text: readFileSync(join(root, file), 'utf8') }));
}

const source = filesUnder('src');
const tests = filesUnder('test');
const benchmarks = filesUnder('benchmarks');
// This file names what it forbids.
const otherTests = tests.filter(({ path }) => path !== 'test/repository.test.ts');

/** The specifiers of a file's static imports and re-exports, types among them. */
function importsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/^(?:import|export)\s(?:[^'";]*?\sfrom\s)?'([^']+)'/gm)].map(
    ([, from]) => from ?? '',
  );
}

function dynamicImportsOf({ text }: SourceFile): string[] {
  return [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, from]) => from ?? '');
}

const isOurs = (specifier: string) => specifier.startsWith('.');
const resolved = (from: string, specifier: string) =>
  normalize(join(dirname(from), specifier)).replace(/\.js$/, '.ts');

/** `src/engine/stream/x.ts` -> `engine/stream`, `src/publish/x.ts` -> `publish`; the longest name the table has. */
function folderOf(path: string): string {
  const folder = relative('src', path.startsWith('src/target/netns') ? 'src/target/netns/x' : path);
  const known = Object.keys(mayImport).filter((name) => folder.startsWith(`${name}/`));
  return known.sort((a, b) => b.length - a.length)[0] ?? `none of the folders: ${path}`;
}

function wrongImportsOf(file: SourceFile): string[] {
  if (forAll.includes(file.path))
    return importsOf(file).map((specifier) => `${file.path} imports ${specifier}`);
  const folder = folderOf(file.path);
  return [...importsOf(file), ...dynamicImportsOf(file)]
    .filter(isOurs)
    .map((specifier) => resolved(file.path, specifier))
    .filter((path) => !forAll.includes(path))
    .filter((path) => ![folder, ...(mayImport[folder] ?? [])].includes(folderOf(path)))
    .map((path) => `${file.path} imports ${path}`);
}

/** Depth first: the first way back to a file that is still being visited. */
function findCycle(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of imports.get(path) ?? []) {
      const cycle = visit(next, [...way, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of imports.keys()) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const importGraph = new Map(
  source.map((file) => [
    file.path,
    importsOf(file)
      .filter(isOurs)
      .map((specifier) => resolved(file.path, specifier)),
  ]),
);

/** `path:line: text` of every line that matches. */
function linesLike(pattern: RegExp, files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .map((line, index) => ({ line, place: `${path}:${index + 1}` }))
      .filter(({ line }) => pattern.test(line))
      .map(({ line, place }) => `${place}: ${line.trim()}`),
  );
}

describe('these rules', () => {
  it('look at the whole of src and test', () => {
    expect(source.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['src/cli/main.ts', 'src/limits.ts']),
    );
    expect(tests.map(({ path }) => path)).toContain('test/repository.test.ts');
    expect(importGraph.get('src/address/endpoint.ts')).toEqual(['src/address/ip.ts']);
  });

  it('find a cycle where there is one', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', []],
      ['d', ['b']],
    ]);
    expect(findCycle(graph)).toEqual(['b', 'd', 'b']);
  });

  it('find an import that goes up', () => {
    const text = "import { a } from '../address/ip.js';\nimport type { E } from '../engine/engine.js';\n";
    expect(wrongImportsOf({ path: 'src/publish/x.ts', text })).toEqual([
      'src/publish/x.ts imports src/engine/engine.ts',
    ]);
  });
});

describe('imports', () => {
  it('go down only, and to the system only where that is the job', () => {
    expect(source.flatMap(wrongImportsOf)).toEqual([]);
  });

  it('lead to files that are there', () => {
    const missing = [...importGraph].flatMap(([from, targets]) =>
      targets.filter((path) => !importGraph.has(path)).map((path) => `${from} imports ${path}`),
    );
    expect(missing).toEqual([]);
  });

  it('never come back to where they began', () => {
    expect(findCycle(importGraph)).toBeUndefined();
  });

  it('of the benchmarks leave sluice alone, but for system calls in their loads, and the parts measured alone', () => {
    const wrong = benchmarks.flatMap((file) =>
      importsOf(file)
        .filter(isOurs)
        .map((specifier) => resolved(file.path, specifier))
        .filter((path) => !path.startsWith('benchmarks/') && !forAll.includes(path))
        .filter((path) => !(file.path.startsWith('benchmarks/load/') && path.startsWith('src/sys/')))
        .filter((path) => !(file.path.startsWith('benchmarks/micro/') && path.startsWith('src/')))
        .map((path) => `${file.path} imports ${path}`),
    );
    expect(benchmarks.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  it('of publish and address bring no input or output with them', () => {
    const pure = source.filter(({ path }) => /^src\/(publish|address)\//.test(path));
    const builtIn = pure.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('node:'))
        .map((specifier) => `${file.path} imports ${specifier}`),
    );
    expect(builtIn).toEqual([]);
  });
});

/** `src/a.ts cites test/b.test.ts`, for each test file that is named in a source file and is not there. */
function citedInVain(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/\btest\/[\w/.-]+?\.ts\b/g)]
      .filter(([cited]) => !existsSync(join(root, cited)))
      .map(([cited]) => `${path} cites ${cited}`),
  );
}

describe('a source file', () => {
  it('cites tests that are there', () => {
    const lost = {
      path: 'src/x.ts',
      text: '/** Sure (test/platform/lost.test.ts): see test/limits.test.ts. */',
    };
    expect(citedInVain([lost])).toEqual(['src/x.ts cites test/platform/lost.test.ts']);
    expect(citedInVain(source)).toEqual([]);
  });

  /** What the engine takes for granted of the kernel is shown by a test, and says which. */
  it('of the splice engine cites every platform test of the kernel', () => {
    const facts = tests.filter(({ path }) => /^test\/platform\/(?!layouts)/.test(path));
    const text = source.map((file) => file.text).join('');
    expect(facts.length).toBeGreaterThan(0);
    expect(facts.map(({ path }) => path).filter((path) => !text.includes(path))).toEqual([]);
  });

  /** A first toLocaleString takes a process 7 MB for good, a first localeCompare 3 MB. */
  it('writes and compares texts without the locales that Node brings', () => {
    const localized = /\b(?:toLocale\w+|localeCompare|Intl)\b/;
    const sample = { path: 'src/x.ts', text: "count.toLocaleString('en')" };
    expect(linesLike(localized, [sample])).toHaveLength(1);
    expect(linesLike(localized, source)).toEqual([]);
  });

  it(`has at most ${most} lines`, () => {
    const long = [...source, ...benchmarks].filter(({ text }) => text.trimEnd().split('\n').length > most);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('is checked by the compiler throughout', () => {
    const files = [
      ...source.filter(({ path }) => !path.startsWith('src/sys/')),
      ...benchmarks,
      ...otherTests,
    ];
    expect(
      linesLike(/@ts-(ignore|nocheck|expect-error)|(\bas|:|<)\s*any\b(?![- ])|biome-ignore/, files),
    ).toEqual([]);
  });

  it('leaves nothing for later', () => {
    expect(linesLike(/\b(TODO|FIXME|XXX)\b/, [...source, ...benchmarks, ...otherTests])).toEqual([]);
  });

  it('of an engine opens with a comment', () => {
    const engines = source.filter(({ path }) => path.startsWith('src/engine/'));
    const bare = engines.filter(({ text }) => !text.startsWith('/**'));
    expect(engines.length).toBeGreaterThan(0);
    expect(bare.map(({ path }) => path)).toEqual([]);
  });
});

describe('a test', () => {
  it('waits for what happens, not for time to pass', () => {
    const sleeps = /setTimeout\(\s*(resolve|done|r)\b|timers\/promises|=>\s*setTimeout\(/;
    // until.ts is the one that polls, with a deadline; whoever waits for a condition goes through it.
    const others = otherTests.filter(({ path }) => path !== 'test/support/until.ts');
    expect(linesLike(sleeps, others)).toEqual([]);
  });

  it('runs with all the others', () => {
    // machine.ts is the one that passes tests over, saying what the machine lacks.
    const others = otherTests.filter(({ path }) => path !== 'test/support/machine.ts');
    expect(linesLike(/\b(describe|it|test)\.(only|skip|todo)\b|\b[xf](describe|it)\(/, others)).toEqual([]);
  });
});

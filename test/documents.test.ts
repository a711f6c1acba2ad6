/** The documents, held against the program they describe. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { routes } from '../src/admin/control-routes.js';
import { associationEndReasons, closeTable } from '../src/engine/close-table.js';
import { limits } from '../src/limits.js';
import { accessRecord } from '../src/log/access-record.js';
import { Counters, writeCounters } from '../src/metrics/counters.js';
import { sluicePath } from './support/sluice-process.js';

const documents = [...readdirSync('.'), ...readdirSync('docs').map((file) => join('docs', file))].filter(
  (file) => file.endsWith('.md'),
);
const readme = readFileSync('README.md', 'utf8');
const aboutLog = readFileSync('docs/log.md', 'utf8');
const aboutMappingFile = readFileSync('docs/mapping-file.md', 'utf8');

/** A document without its fenced blocks. */
function proseOf(text: string): string {
  return text.replace(/^```.*?^```$/gms, '');
}

/** The rows of the table whose header begins with these cells, each row as its cells. */
function tableOf(text: string, ...header: readonly string[]): string[][] {
  const rows = text.split('\n').map((line) => cellsOf(line));
  const start = rows.findIndex((cells) => header.every((name, column) => cells[column] === name));
  if (start < 0) throw new Error(`no table has the header ${header.join(', ')}`);
  const rest = rows.slice(start + 2);
  const end = rest.findIndex((cells) => cells.length === 0);
  return rest.slice(0, end < 0 ? undefined : end);
}

/** None where the line is no row. */
function cellsOf(line: string): string[] {
  const cells = line.split('|').map((cell) => cell.trim());
  return line.startsWith('|') ? cells.slice(1, -1) : [];
}

/** What stands in backquotes in the first cell of each row. */
function firstCells(rows: readonly (readonly string[])[]): string[] {
  return rows.flatMap(([cell = '']) => quoted(cell));
}

function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
}

function optionsIn(text: string): Set<string> {
  return new Set([...text.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([option]) => option));
}

function helpOf(...command: readonly string[]): string {
  return execFileSync(process.execPath, [sluicePath, ...command, '--help'], { encoding: 'utf8' });
}

/** The options that a help text lists, long and short. */
function listedOptions(help: string): string[] {
  const list = help.slice(help.indexOf('Options:')).split('\n\n')[0] ?? '';
  const names = [...list.matchAll(/^ {2}(?:(-\w), | {4})(--[\w-]+)/gm)];
  return names.flatMap(([, short, long = '']) => (short === undefined ? [long] : [short, long]));
}

describe('the documents', () => {
  it('are all there', () => {
    expect(documents).toEqual(
      expect.arrayContaining(['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'README.md']),
    );
    expect(existsSync('LICENSE')).toBe(true);
  });

  it.each(documents)('%s: every relative link leads to a file', (document) => {
    const links = [...proseOf(readFileSync(document, 'utf8')).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, link = '']) => link.replace(/#.*$/, ''))
      .filter((link) => link !== '' && !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(dirname(document), link)))).toEqual([]);
  });

  it.each(documents)('%s: every npm script that it names is one', (document) => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: object };
    const named = [...readFileSync(document, 'utf8').matchAll(/npm run (?:-s )?([\w-]+)/g)];
    expect(named.map(([, script = '']) => script).filter((script) => !(script in scripts))).toEqual([]);
  });
});

function commands(): string[] {
  return [...helpOf().matchAll(/^ {2}sluice (\w+)/gm)].map(([, name]) => name ?? '');
}

describe('README', () => {
  it('tells of every command', () => {
    const rows = firstCells(tableOf(readme, 'command', 'what it does')).map((command) =>
      command.replace(/ .*/, ''),
    );
    const elsewhere = ['run', 'check', 'schema', 'demo'];
    expect([...rows, ...elsewhere].sort()).toEqual(commands().sort());
    for (const name of elsewhere) expect(readme).toMatch(new RegExp(`sluice ${name}|npm run ${name}`));
  });

  it('begins with the two commands', () => {
    const first = /^```\w*\n(.*?)^```$/ms.exec(readme)?.[1] ?? '';
    const commands = first.split('\n').map((line) => line.replace(/\s*#.*/, ''));
    expect(commands).toEqual(['npm ci && npm run demo', 'npm ci && npm test', '']);
  });

  it('has a row for every option of sluice run, and for no other', () => {
    const rows = tableOf(readme, 'option', 'default');
    const options = listedOptions(helpOf('run'));
    expect(options).toEqual(expect.arrayContaining(['-p', '--publish', '--engine', '--help']));
    expect(firstCells(rows).sort()).toEqual(options.sort());
  });

  it('names no option of sluice that does not exist', () => {
    const options = [
      '--no-access-log',
      '--no-control',
      ...commands().flatMap((name) => listedOptions(helpOf(name))),
    ];
    const fenced = [...readme.matchAll(/^\$ (?:sluice .*)$/gm)].map(([line]) => line);
    // Other programs' options stand in quotes together with their command.
    const inProse = quoted(proseOf(readme)).filter((code) => /^(--?[a-z]|sluice )/.test(code));
    const named = [...fenced, ...inProse].flatMap((text) => [...optionsIn(text)]);
    expect(named).toContain('--config');
    expect(named.filter((option) => !options.includes(option))).toEqual([]);
  });
});

describe('docs/mapping-file.md', () => {
  it('has a row for every key of the mapping file, and for no other', () => {
    const rows = tableOf(aboutMappingFile, 'key', 'type', 'default');
    const schema: unknown = JSON.parse(
      execFileSync(process.execPath, [sluicePath, 'schema'], { encoding: 'utf8' }),
    );
    const named = firstCells(rows).map((key) => key.replace(/^.*\./, ''));
    expect(named.sort()).toEqual(keysOf(schema).sort());
  });
});

describe('docs/log.md', () => {
  it('has a row for every reason that a flow ends for, and for no other', () => {
    const reasons = [...Object.values(closeTable).map(({ reason }) => reason), ...associationEndReasons];
    expect(firstCells(tableOf(aboutLog, 'reason')).sort()).toEqual([...new Set(reasons)].sort());
  });

  it('has a row for every key of an access record', () => {
    const client = { ip: { family: 4, text: '192.0.2.1' }, port: 1 } as const;
    const record = accessRecord(
      {
        ...{ protocol: 'tcp', client, target: undefined, bytesIn: 0, bytesOut: 0, milliseconds: 0 },
        ...{ reason: 'target-reset', failed: 'target', error: 'ECONNRESET' },
      },
      'web',
      client,
    );
    const pinos = ['level', 'time', 'msg', 'instance'];
    expect(firstCells(tableOf(aboutLog, 'key', 'meaning')).sort()).toEqual(
      [...pinos, ...Object.keys(record)].sort(),
    );
  });
});

describe('ARCHITECTURE', () => {
  it('has every row of the close table', () => {
    const rows = tableOf(readFileSync('ARCHITECTURE.md', 'utf8'), 'event', 'client', 'target', 'reason');
    const written = rows.map(([, client, target, reason = '']) => [client, target, ...quoted(reason)]);
    const inCode = Object.values(closeTable).map(({ client, target, reason }) => [client, target, reason]);
    expect(written).toEqual(inCode);
  });
});

describe('docs/control-socket.md', () => {
  const text = readFileSync('docs/control-socket.md', 'utf8');

  it('has a row for every request, and for no other', () => {
    const rows = firstCells(tableOf(text, 'request', 'answer'));
    const inCode = Object.entries(routes).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(rows.sort()).toEqual(inCode.sort());
  });

  it('has a row for every counter, and for no other', () => {
    const told = Object.keys(writeCounters(new Counters().snapshot()));
    expect(firstCells(tableOf(text, 'counter', 'what it counts')).sort()).toEqual(told.sort());
  });

  it('has the bounds that hold', () => {
    const { controlConnections, logFollowers, controlHeadBytes, controlBodyBytes, controlRequestMs } = limits;
    const { controlAnswerMs } = limits;
    const prose = text.replace(/\s+/g, ' ');
    expect(prose).toContain(`${controlConnections} connections at once, ${logFollowers} of them following`);
    expect(prose).toContain(`${controlHeadBytes / 1024} KiB for a request's head`);
    expect(prose).toContain(
      `${controlBodyBytes / 1024 ** 2} MiB for its body, and ${controlRequestMs / 1000} s`,
    );
    expect(prose).toContain(`give up after ${controlAnswerMs / 1000} s without either`);
    expect(prose).toContain(`all that are kept: ${limits.accessRecords.toLocaleString('en')}`);
  });
});

describe('CONTRIBUTING', () => {
  it('says what each dependency is for', () => {
    const text = readFileSync('CONTRIBUTING.md', 'utf8');
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync('package.json', 'utf8'),
    ) as Record<string, Readonly<Record<string, string>> | undefined>;
    const named = [
      ...firstCells(tableOf(text, 'runs in sluice')),
      ...firstCells(tableOf(text, 'for development')),
    ];
    const declared = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const asNamed = declared.map((name) => (name.startsWith('@types/') ? '@types/*' : name));
    expect(named.sort()).toEqual([...new Set(asNamed)].sort());
  });
});

/** Every property name of a JSON Schema, in each object that has it. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties ?? {}) : [];
  return [...own, ...Object.values(schema).flatMap((part) => keysOf(part))];
}

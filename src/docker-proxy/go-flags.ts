/**
 * Command lines as Go's `flag` package reads them (https://pkg.go.dev/flag), which dockerd's own proxy uses: one dash or
 * two, `-x v` or `-x=v`, a boolean only with `=`, `--` or the first word without a dash ends it. Messages and usage
 * are Go's, word for word, since scripts may look at them.
 */

/** Reads one value, or says in Go's words why it cannot. */
type Read<T> = (text: string) => { readonly value: T } | { readonly fault: string };

export interface Flag<T> {
  /** What the usage calls its value; a boolean has none. */
  readonly kind: 'string' | 'int' | 'value' | 'bool';
  readonly initial: T;
  readonly read: Read<T>;
  readonly usage: string;
  /** How the usage shows `initial`; undefined: it is Go's zero value, which is not shown. */
  readonly shown: string | undefined;
}

/** A program's flags, in the order of their names: that is how the usage lists them. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<T extends FlagTable> = {
  readonly [Name in keyof T]: T[Name] extends Flag<infer Value> ? Value : never;
};

export type ParsedFlags<T extends FlagTable> =
  | { readonly kind: 'values'; readonly values: FlagValues<T> }
  /** Asked for with -h or -help. */
  | { readonly kind: 'help' }
  | { readonly kind: 'fault'; readonly message: string };

export function stringFlag(initial: string, usage: string): Flag<string> {
  return { kind: 'string', initial, usage, shown: JSON.stringify(initial), read: (value) => ({ value }) };
}

export function intFlag(initial: number, usage: string): Flag<number> {
  return { kind: 'int', initial, usage, shown: String(initial), read: readInt };
}

export function boolFlag(usage: string): Flag<boolean> {
  return { kind: 'bool', initial: false, usage, shown: undefined, read: readBool };
}

/** Thrown to where the words are put together; never seen by a caller. */
class Fault extends Error {}

export function parseFlags<T extends FlagTable>(table: T, args: readonly string[]): ParsedFlags<T> {
  const values: Record<string, unknown> = {};
  for (const [name, { initial }] of Object.entries(table)) values[name] = initial;
  const rest = [...args];
  try {
    for (let word = nextFlag(rest); word !== undefined; word = nextFlag(rest)) {
      const { name, text } = split(word);
      const flag = Object.hasOwn(table, name) ? table[name] : undefined;
      if (flag === undefined) {
        if (name === 'help' || name === 'h') return { kind: 'help' };
        throw new Fault(`flag provided but not defined: -${name}`);
      }
      values[name] = flag.kind === 'bool' ? setBool(flag, name, text) : setOther(flag, name, text, rest);
    }
  } catch (error) {
    if (error instanceof Fault) return { kind: 'fault', message: error.message };
    throw error;
  }
  return { kind: 'values', values: values as FlagValues<T> };
}

/** Takes the next word where it is a flag; a single dash is none. */
function nextFlag(rest: string[]): string | undefined {
  const word = rest[0];
  if (word === undefined || word.length < 2 || !word.startsWith('-') || word === '--') return undefined;
  return rest.shift();
}

function split(word: string): { readonly name: string; readonly text: string | undefined } {
  const body = word.startsWith('--') ? word.slice(2) : word.slice(1);
  if (body.startsWith('-') || body.startsWith('=')) throw new Fault(`bad flag syntax: ${word}`);
  const equals = body.indexOf('=');
  return equals < 0
    ? { name: body, text: undefined }
    : { name: body.slice(0, equals), text: body.slice(equals + 1) };
}

function setBool(flag: Flag<unknown>, name: string, text = 'true'): unknown {
  const read = flag.read(text);
  if ('value' in read) return read.value;
  throw new Fault(`invalid boolean value ${JSON.stringify(text)} for -${name}: ${read.fault}`);
}

function setOther(flag: Flag<unknown>, name: string, given: string | undefined, rest: string[]): unknown {
  const text = given ?? rest.shift();
  if (text === undefined) throw new Fault(`flag needs an argument: -${name}`);
  const read = flag.read(text);
  if ('value' in read) return read.value;
  throw new Fault(`invalid value ${JSON.stringify(text)} for flag -${name}: ${read.fault}`);
}

/** As `PrintDefaults` lists them. */
export function usageOf(program: string, table: FlagTable): string {
  const lines = Object.entries(table).map(([name, { kind, usage, shown }]) => {
    const head = kind === 'bool' ? `  -${name}` : `  -${name} ${kind}`;
    // Go puts the usage of a boolean with a name of one letter on the same line.
    const gap = head.length <= 4 ? '\t' : '\n    \t';
    return `${head}${gap}${usage}${shown === undefined ? '' : ` (default ${shown})`}`;
  });
  return [`Usage of ${program}:`, ...lines, ''].join('\n');
}

const booleans: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false])),
};

function readBool(text: string): ReturnType<Read<boolean>> {
  const value = Object.hasOwn(booleans, text) ? booleans[text] : undefined;
  return value === undefined ? { fault: 'parse error' } : { value };
}

const bases: readonly (readonly [digits: RegExp, base: number])[] = [
  [/^0[xX](?:_?[\da-fA-F])+$/, 16],
  [/^0[bB](?:_?[01])+$/, 2],
  [/^0[oO](?:_?[0-7])+$/, 8],
  [/^0(?:_?[0-7])+$/, 8],
  [/^(?:0|[1-9](?:_?\d)*)$/, 10],
];

/** `strconv.ParseInt(text, 0, 64)`: the base by its prefix, underscores between digits. */
function readInt(text: string): ReturnType<Read<number>> {
  const [, sign = '', unsigned = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const base = bases.find(([digits]) => digits.test(unsigned))?.[1];
  if (base === undefined) return { fault: 'parse error' };
  const digits = unsigned.replace(/_/g, '').replace(/^0[xXbBoO]/, '');
  const value = Number.parseInt(digits, base) * (sign === '-' ? -1 : 1);
  // Far more than any port: Go's bound is that of 64 bits.
  return Math.abs(value) >= 2 ** 63 ? { fault: 'value out of range' } : { value };
}

/** A JSON text with the place of every value in it, so that a fault can be found in an editor. */
import { type DocumentNode, parse, type ValueNode } from '@humanwhocodes/momoa';
import { messageOf } from '../errors.js';

/** The keys and indexes that lead to a value: `['mappings', 0, 'to']`. */
export type JsonPath = readonly (string | number)[];

/** A place in a text, both counted from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export interface RepeatedKey {
  readonly path: JsonPath;
  readonly position: TextPosition;
}

export interface JsonDocument {
  readonly value: unknown;
  /** Keys that stand twice in one object, of which JSON.parse would lose all but the last. */
  readonly repeatedKeys: readonly RepeatedKey[];
  /** Where the value at the path begins, or the nearest one above it that the text has. */
  positionOf(path: JsonPath): TextPosition;
}

export type JsonResult =
  | { readonly ok: true; readonly document: JsonDocument }
  | { readonly ok: false; readonly message: string; readonly position: TextPosition };

/** Reads strict JSON (RFC 8259): no comments, no trailing commas. Never throws. */
export function readJson(text: string): JsonResult {
  // RFC 8259 section 8.1 lets a parser pass over a byte order mark, which editors on Windows write.
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    // JSON.parse goes first: it is the stricter one, and has the better words for what is wrong.
    const value: unknown = JSON.parse(body);
    return { ok: true, document: documentOf(parse(body, { mode: 'json' }), value) };
  } catch (error) {
    return { ok: false, message: syntaxMessage(error, body), position: positionOfError(error, body) };
  }
}

/** `mappings[0].ports[1]`; keys that are no plain words are quoted. */
export function formatPath(path: JsonPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[$\w]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

function documentOf(root: DocumentNode, value: unknown): JsonDocument {
  return {
    value,
    repeatedKeys: [...repeatedKeys(root.body, [])],
    positionOf: (path) => startOf(nearestNode(root.body, path)),
  };
}

function nearestNode(root: ValueNode, path: JsonPath): ValueNode {
  let node = root;
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

function childOf(node: ValueNode, step: string | number): ValueNode | undefined {
  if (node.type === 'Array') return node.elements[Number(step)]?.value;
  if (node.type !== 'Object') return undefined;
  // Of a key that stands twice the last counts, as with JSON.parse.
  return node.members.findLast((member) => keyOf(member) === step)?.value;
}

function* repeatedKeys(node: ValueNode, path: JsonPath): Generator<RepeatedKey> {
  if (node.type === 'Array') {
    for (const [index, element] of node.elements.entries()) {
      yield* repeatedKeys(element.value, [...path, index]);
    }
  } else if (node.type === 'Object') {
    const seen = new Set<string>();
    for (const member of node.members) {
      const key = keyOf(member);
      if (seen.has(key)) yield { path: [...path, key], position: startOf(member) };
      seen.add(key);
      yield* repeatedKeys(member.value, [...path, key]);
    }
  }
}

function keyOf(member: { name: { type: string; value?: string; name?: string } }): string {
  return member.name.value ?? member.name.name ?? '';
}

function startOf(node: { loc: { start: TextPosition } }): TextPosition {
  return { line: node.loc.start.line, column: node.loc.start.column };
}

function syntaxMessage(error: unknown, text: string): string {
  // Parsers recurse, and so does whatever reads a value: one too deep for them is no mapping file.
  if (error instanceof RangeError) return 'its values are nested too deeply';
  if (text.trim() === '') return 'not JSON: the file is empty';
  const said = messageOf(error).replace(
    /((?: in JSON)? at position |, (?:\.\.\.)?".*is not valid JSON$).*/s,
    '',
  );
  const hint = /\/[/*]|,\s*[\]}]/.test(text) ? ' (JSON has no comments and no trailing commas)' : '';
  return `not JSON: ${said}${hint}`;
}

/** JSON.parse tells most offsets; that of an unexpected character only momoa tells. */
function positionOfError(error: unknown, text: string): TextPosition {
  const message = messageOf(error);
  const offset = / at position (\d+)/.exec(message)?.[1];
  if (offset !== undefined) return positionAt(text, Number(offset));
  if (message.startsWith('Unexpected end')) return positionAt(text, text.length);
  try {
    parse(text, { mode: 'json' });
  } catch (found) {
    if (typeof found === 'object' && found !== null && 'line' in found && 'column' in found) {
      return { line: Number(found.line), column: Number(found.column) };
    }
  }
  return { line: 1, column: 1 };
}

function positionAt(text: string, offset: number): TextPosition {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

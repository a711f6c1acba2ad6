import { describe, expect, it } from '@jest/globals';
import { formatPath, type JsonDocument, readJson } from '../../src/publish/json-document.js';

function documentOf(text: string): JsonDocument {
  const json = readJson(text);
  if (!json.ok) throw new Error(json.message);
  return json.document;
}

/** `line:column: message` of a text that is no JSON. */
function faultOf(text: string): string {
  const json = readJson(text);
  if (json.ok) throw new Error('it is JSON');
  return `${json.position.line}:${json.position.column}: ${json.message}`;
}

describe('readJson', () => {
  const text = '{\n  "a": [1,\n        {"b": true}],\n  "c d": null\n}';

  it('gives the value', () => {
    expect(documentOf(text).value).toEqual({ a: [1, { b: true }], 'c d': null });
  });

  it.each([
    [[], 1, 1],
    [['a'], 2, 8],
    [['a', 0], 2, 9],
    [['a', 1, 'b'], 3, 15],
    [['c d'], 4, 10],
  ])('knows where the value at %j begins', (path, line, column) => {
    expect(documentOf(text).positionOf(path)).toEqual({ line, column });
  });

  it('gives the nearest value above a path that the text does not have', () => {
    expect(documentOf(text).positionOf(['a', 1, 'missing', 3])).toEqual({ line: 3, column: 9 });
    expect(documentOf(text).positionOf(['a', 9])).toEqual({ line: 2, column: 8 });
  });

  it('finds every key that stands twice in one object, at its later places', () => {
    const { repeatedKeys } = documentOf('{"a":1,\n"b":[{"a":1,"c":2,"c":3}],\n"a":2,\n"a":3}');
    expect(repeatedKeys).toEqual([
      { path: ['b', 0, 'c'], position: { line: 2, column: 19 } },
      { path: ['a'], position: { line: 3, column: 1 } },
      { path: ['a'], position: { line: 4, column: 1 } },
    ]);
  });

  it('of a key that stands twice gives value and place of the last', () => {
    const document = documentOf('{"a":1,\n"a":2}');
    expect(document.value).toEqual({ a: 2 });
    expect(document.positionOf(['a'])).toEqual({ line: 2, column: 5 });
  });

  it('passes over a byte order mark', () => {
    expect(documentOf('\uFEFF[1]').value).toEqual([1]);
    expect(documentOf('\uFEFF[1]').positionOf([0])).toEqual({ line: 1, column: 2 });
  });
});

describe('what is no JSON is told with its place', () => {
  const noExtras = ' (JSON has no comments and no trailing commas)';
  it.each([
    ['', '1:1: not JSON: the file is empty'],
    ['\uFEFF \n', '2:1: not JSON: the file is empty'],
    ['{"a": [1, 2]', "1:13: not JSON: Expected ',' or '}' after property value"],
    ['{"a": "b', '1:9: not JSON: Unterminated string'],
    ['{"a":\n', '2:1: not JSON: Unexpected end of JSON input'],
    ['{"a": 1} x', '1:10: not JSON: Unexpected non-whitespace character after JSON'],
    ['{"a":\n NaN}', "2:2: not JSON: Unexpected token 'N'"],
    ["{'a': 1}", "1:2: not JSON: Expected property name or '}'"],
    ['{"a":\n"\t"}', '2:2: not JSON: Bad control character in string literal'],
    ['{"a": 1,\n}', `2:1: not JSON: Expected double-quoted property name${noExtras}`],
    ['[1,\n 2,\n]', `3:1: not JSON: Unexpected token ']'${noExtras}`],
    ['{\n  // why\n}', `2:3: not JSON: Expected property name or '}'${noExtras}`],
    ['[1 /* why */]', `1:4: not JSON: Expected ',' or ']' after array element${noExtras}`],
  ])('%j', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it.each([
    ['lists', '['.repeat(50_000) + ']'.repeat(50_000)],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
  ])('huge nesting of %s', (_, text) => {
    expect(faultOf(text)).toBe('1:1: its values are nested too deeply');
  });
});

describe('formatPath', () => {
  it.each([
    [['mappings', 0, 'ports', 1], 'mappings[0].ports[1]'],
    [['$schema'], '$schema'],
    [['a b', 'c'], '["a b"].c'],
    [['a', '', 'x\n'], 'a[""]["x\\n"]'],
    [[], ''],
  ])('%j is %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

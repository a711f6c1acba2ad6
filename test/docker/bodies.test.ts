import { describe, expect, it } from '@jest/globals';
import { jsonLines, wholeText } from '../../src/docker/bodies.js';

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function valuesOf(lines: AsyncIterable<unknown>): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of lines) values.push(value);
  return values;
}

describe('jsonLines', () => {
  it.each([
    ['one chunk', ['{"a":1}\n{"a":2}\n']],
    ['chunks that break anywhere', ['{"a"', ':1}', '\n{"a":2', '}\n']],
    ['empty lines between', ['\n{"a":1}\n\n', '{"a":2}\n']],
  ])('gives each value of %s', async (_, texts) => {
    expect(await valuesOf(jsonLines(chunks(...texts), 100))).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('passes over a last line that was cut off', async () => {
    expect(await valuesOf(jsonLines(chunks('1\n2'), 100))).toEqual([1]);
  });

  it('refuses a line without end', async () => {
    await expect(valuesOf(jsonLines(chunks('1\n', '22', '33'), 3))).rejects.toThrow('longer than 3 bytes');
  });

  it('refuses what is no JSON', async () => {
    await expect(valuesOf(jsonLines(chunks('x\n'), 3))).rejects.toThrow('JSON');
  });
});

describe('wholeText', () => {
  it('gives a body that is not too long', async () => {
    expect(await wholeText(chunks('ä', 'b'), 3)).toBe('äb');
    await expect(wholeText(chunks('ä', 'bc'), 3)).rejects.toThrow('longer than 3 bytes');
  });
});

/** What the documents say was measured is what the committed result has. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { architectureFigures, picturePath, readmeFigures, withFigures } from '../../benchmarks/documents.js';
import { pictureOf, type Theme, themes } from '../../benchmarks/picture.js';
import { readReport } from '../../benchmarks/report.js';

const read = (path: string) => readFileSync(path, 'utf8');
const resultPath =
  /\((benchmarks\/results\/[^)]+\.json)\)/.exec(read('README.md'))?.[1] ?? 'no result in README';
const report = readReport(resultPath);

describe(`the figures of ${resultPath}`, () => {
  it('stand in README', () => {
    expect(read('README.md')).toBe(withFigures(read('README.md'), readmeFigures(report, resultPath)));
  });

  it('stand in ARCHITECTURE', () => {
    const text = read('ARCHITECTURE.md');
    expect(text).toBe(withFigures(text, architectureFigures(report, resultPath)));
  });

  it.each(Object.keys(themes) as Theme[])('are drawn, %s', (theme) => {
    expect(read(picturePath(resultPath, theme))).toBe(pictureOf(report, theme));
  });

  it("are nowhere else: a ratio or a rate outside the marks is nobody's to check", () => {
    const outside = (path: string) => read(path).replace(/<!-- measured.*?<!-- \/measured -->/s, '');
    expect(outside('README.md')).not.toMatch(/\d+(\.\d+)? ?(times (as|faster)|x faster|% faster)/);
  });
});

describe('a result', () => {
  it('that is none is refused in words', () => {
    expect(() => readReport('package.json')).toThrow('package.json is no result of these benchmarks: ');
  });
});

describe('a document', () => {
  it('gets its figures between the marks, once or again', () => {
    const [begin, end] = ['<!-- measured: made by npm run bench -- --render -->', '<!-- /measured -->'];
    const once = withFigures(`before\n${begin}\n${end}\nafter`, 'figures');
    expect(once).toBe(`before\n${begin}\n\nfigures\n\n${end}\nafter`);
    expect(withFigures(once, 'others')).toBe(`before\n${begin}\n\nothers\n\n${end}\nafter`);
  });

  it('without the marks is refused', () => {
    expect(() => withFigures('nothing', 'figures')).toThrow('the document lacks');
  });
});

import { describe, expect, it } from '@jest/globals';
import { panelsOf, pictureOf } from '../../benchmarks/picture.js';
import { reportOf, workOf } from './results.js';

const report = reportOf([
  workOf('HTTP <keep-alive>', { ours: [20, 30], theirs: [10, 10], direct: [40, 40] }),
  workOf('UDP', { ours: [10, 10], theirs: [20, 40] }),
  workOf('what only sluice does', { ours: [1, 2] }),
]);

describe('the picture of a result', () => {
  it('has what others do too, and only others', () => {
    expect(panelsOf(report)).toEqual([
      {
        title: 'HTTP <keep-alive>',
        bars: [{ name: 'theirs', ratio: { median: 2.5, least: 2, most: 3, rounds: 2 } }],
      },
      {
        title: 'UDP',
        bars: [{ name: 'theirs', ratio: { median: 0.375, least: 0.25, most: 0.5, rounds: 2 } }],
      },
    ]);
  });

  it('tells each ratio with its spread, and what the figures are of', () => {
    const picture = pictureOf(report, 'light');
    expect(picture).toContain('>2.50 (2.00–3.00)<');
    expect(picture).toContain('>0.38 (0.25–0.50)<');
    expect(picture).toContain('HTTP &lt;keep-alive>');
    expect(picture).toContain(
      '2026-01-02, 2 cores of a CPU, Linux 6.1 with cubic, Node v20.19.0; sluice abc1234',
    );
    expect(picture).toContain('theirs 2.3.4+deb12');
  });

  it('has a bar to the right of 1 where sluice is better, to the left where it is not, and stays within', () => {
    const bars = [
      ...(pictureOf(report, 'dark') ?? '').matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g),
    ];
    const [better, worse] = bars.map(([, x, width]) => ({ from: Number(x), to: Number(x) + Number(width) }));
    const lines = [
      ...(pictureOf(report, 'dark') ?? '').matchAll(/<line x1="([\d.]+)" x2="\1"[^>]*stroke="#f0f6fc"/g),
    ];
    const [left, right] = lines.map(([, x]) => Number(x));
    expect(better?.from).toBeCloseTo(left ?? -1);
    expect(worse?.to).toBeCloseTo(right ?? -1);
    expect(worse?.from).toBeGreaterThan(460);
  });

  it('is the same for the same result, in other colours', () => {
    expect(pictureOf(report, 'light')).toBe(pictureOf(report, 'light'));
    const shape = (picture: string | undefined) => picture?.replace(/#[0-9a-f]{6}/g, '');
    expect(shape(pictureOf(report, 'dark'))).toBe(shape(pictureOf(report, 'light')));
  });

  it('has no proxy in it where nothing else is there', () => {
    const { peers, ...alone } = reportOf([workOf('HTTP', { ours: [10, 10], direct: [20, 20] })]);
    const panels = panelsOf({ ...alone, peers: peers.filter(({ kind }) => kind !== 'other') });
    expect(panels.flatMap(({ bars }) => bars.map(({ name }) => name))).toEqual(['direct']);
  });

  it('is none where there is nothing to hold against each other', () => {
    expect(pictureOf(reportOf([workOf('HTTP', { ours: [1, 2] })]), 'light')).toBeUndefined();
  });
});

/**
 * A result's picture: for each kind of work how many times better the reference is than what people use instead, as bars
 * from 1 on a scale where twice as good and half as good are equally far. The same result gives the same picture.
 */
import { machineText, type Report, type WorkReport } from './report.js';
import { advantageOf, type Summary } from './statistics.js';
import { ratioText } from './table.js';

export const themes = {
  light: {
    ground: '#ffffff',
    ink: '#1f2328',
    faint: '#59636e',
    line: '#d1d9e0',
    better: '#1a7f5a',
    worse: '#bc4c00',
  },
  dark: {
    ground: '#0d1117',
    ink: '#f0f6fc',
    faint: '#9198a1',
    line: '#3d444d',
    better: '#3fb98a',
    worse: '#e8803a',
  },
} as const;

export type Theme = keyof typeof themes;

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly name: string;
  readonly ratio: Summary;
}

/**
 * What is drawn: the works that have a label, against programs other than sluice; where none is there, against all else,
 * such as no proxy.
 */
export function panelsOf({ works, peers }: Report): Panel[] {
  const others = peers.filter(({ kind }) => kind === 'other');
  const drawn = others.length > 0 ? others : peers;
  return works.flatMap((work): Panel[] => {
    const bars = drawn.flatMap(({ name }) => (name === work.reference ? [] : barOf(work, name)));
    return work.label === undefined || bars.length === 0 ? [] : [{ title: work.label, bars }];
  });
}

function barOf(work: WorkReport, name: string): Bar[] {
  const ratio = advantageOf(work, name, work.figures[0]);
  return ratio === undefined ? [] : [{ name, ratio }];
}

const width = 920;
const margin = 20;
const columns = 2;
const gap = 28;
const columnWidth = (width - 2 * margin - (columns - 1) * gap) / columns;
const rowHeight = 19;
const titleHeight = 24;
const scaleHeight = 10;
const panelGap = 12;
const headHeight = 74;
const nameWidth = 86;
const valueWidth = 122;
const barWidth = columnWidth - nameWidth - valueWidth;
/** An axis reaches this far at least, so that a tenth does not look like much. */
const leastReach = 2;

/** SVG; undefined where there is nothing to hold against each other. */
export function pictureOf(report: Report, theme: Theme): string | undefined {
  const panels = panelsOf(report);
  if (panels.length === 0) return undefined;
  const { ground, ink, faint } = themes[theme];
  const scale = scaleOf(panels);
  const rows = inRows(panels);
  let y = headHeight;
  const drawn: string[] = [];
  for (const row of rows) {
    for (const [column, panel] of row.entries()) {
      drawn.push(drawPanel(panel, margin + column * (columnWidth + gap), y, scale, theme));
    }
    y += Math.max(...row.map(heightOf)) + panelGap;
  }
  const foot = footOf(report);
  const height = y + 16 * foot.length + 10;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, 'Segoe UI', Helvetica, Arial, sans-serif">
<title>How many times better sluice is than other port forwarders, by kind of work</title>
<rect width="${width}" height="${height}" fill="${ground}"/>
${text(margin, 28, 'How many times better sluice is, by kind of work', { fill: ink, 'font-size': 18, 'font-weight': 600 })}
${text(margin, 48, 'Right of the line at 1 sluice is better, left of it the other program. Bars: the median; thin lines and', { fill: faint, 'font-size': 12 })}
${text(margin, 63, 'parentheses: the least and the most of all rounds. Latency by its median, all else by throughput.', { fill: faint, 'font-size': 12 })}
${drawn.join('\n')}
${foot.map((line, index) => text(margin, y + 12 + 16 * index, line, { fill: faint, 'font-size': 11 })).join('\n')}
</svg>
`;
}

/** What the figures are of. */
function footOf(report: Report): string[] {
  const { date, machine, peers, rounds, seconds } = report;
  const versions = peers
    .filter(({ kind }) => kind === 'other')
    .map(({ name, version }) => `${name} ${version}`);
  return [
    `${date.slice(0, 10)}, ${machineText(report)}; ` +
      `sluice ${machine.commit}; up to ${rounds} rounds of ${seconds} s`,
    versions.join(', '),
  ];
}

function inRows(panels: readonly Panel[]): Panel[][] {
  const count = Math.ceil(panels.length / columns);
  return Array.from({ length: count }, (_, row) => panels.slice(row * columns, (row + 1) * columns));
}

function heightOf({ bars }: Panel): number {
  return titleHeight + bars.length * rowHeight + scaleHeight;
}

/** From a ratio to a place between 0 and barWidth. */
type Scale = (ratio: number) => number;

function scaleOf(panels: readonly Panel[]): Scale {
  const all = panels.flatMap(({ bars }) => bars.flatMap(({ ratio }) => [ratio.least, ratio.most]));
  const from = Math.log2(Math.min(1 / leastReach, ...all));
  const to = Math.log2(Math.max(leastReach, ...all));
  return (ratio) => ((Math.log2(ratio) - from) / (to - from)) * barWidth;
}

function drawPanel({ title, bars }: Panel, x: number, y: number, scale: Scale, theme: Theme): string {
  const { ink, faint, line } = themes[theme];
  const left = x + nameWidth;
  const [top, bottom] = [y + titleHeight - 4, y + titleHeight + bars.length * rowHeight - 2];
  const grid = [0.5, 1, 2, 4, 8, 16].filter((ratio) => scale(ratio) >= 0 && scale(ratio) <= barWidth);
  return [
    text(x, y + 12, title, { fill: ink, 'font-size': 13, 'font-weight': 600 }),
    ...grid.map((ratio) =>
      tag('line', {
        ...{ x1: left + scale(ratio), x2: left + scale(ratio), y1: top, y2: bottom },
        ...{ stroke: ratio === 1 ? ink : line, 'stroke-width': 1 },
      }),
    ),
    ...grid.map((ratio) =>
      text(left + scale(ratio), bottom + 9, ratio === 0.5 ? '½' : String(ratio), {
        ...{ fill: faint, 'font-size': 9, 'text-anchor': 'middle' },
      }),
    ),
    ...bars.map((bar, index) => drawBar(bar, x, y + titleHeight + index * rowHeight, scale, theme)),
  ].join('\n');
}

function drawBar({ name, ratio }: Bar, x: number, y: number, scale: Scale, theme: Theme): string {
  const { ink, better, worse } = themes[theme];
  const left = x + nameWidth;
  const [one, end] = [left + scale(1), left + scale(ratio.median)];
  const middle = y + 6;
  return [
    text(x, y + 10, name, { fill: ink, 'font-size': 12 }),
    tag('rect', {
      ...{ x: Math.min(one, end), y, width: Math.abs(end - one), height: 12 },
      fill: ratio.median >= 1 ? better : worse,
    }),
    tag('line', {
      ...{ x1: left + scale(ratio.least), x2: left + scale(ratio.most), y1: middle, y2: middle },
      ...{ stroke: ink, 'stroke-width': 1 },
    }),
    text(x + columnWidth, y + 10, ratioText(ratio), { fill: ink, 'font-size': 12, 'text-anchor': 'end' }),
  ].join('\n');
}

type Attributes = Readonly<Record<string, string | number>>;

function text(x: number, y: number, words: string, attributes: Attributes): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text ${written({ x, y, ...attributes })}>${escaped}</text>`;
}

function tag(name: string, attributes: Attributes): string {
  return `<${name} ${written(attributes)}/>`;
}

function written(attributes: Attributes): string {
  const value = (raw: string | number) => (typeof raw === 'number' ? Number(raw.toFixed(1)) : raw);
  return Object.entries(attributes)
    .map(([key, raw]) => `${key}="${value(raw)}"`)
    .join(' ');
}

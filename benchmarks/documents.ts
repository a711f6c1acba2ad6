/** A result's figures as README and ARCHITECTURE have them, between two marks; nobody writes them by hand. */
import { type Panel, panelsOf, pictureOf, type Theme } from './picture.js';
import { machineText, type PeerReport, type Report, type WorkReport } from './report.js';
import { advantageOf, summaryOf } from './statistics.js';
import { cell, ratioText } from './table.js';

const [begin, end] = ['<!-- measured: made by npm run bench -- --render -->', '<!-- /measured -->'];

/** Where the picture of a result is. */
export function picturePath(resultPath: string, theme: Theme): string {
  return resultPath.replace(/\.json$/, `-${theme}.svg`);
}

/** A document with a result's figures in place of those that it had. @throws Error where it lacks the marks */
export function withFigures(document: string, figures: string): string {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document lacks ${begin} or ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${figures}\n\n${document.slice(to)}`;
}

/** `path` is the result's, from the document's folder. */
export function readmeFigures(report: Report, path: string): string {
  const panels = panelsOf(report);
  if (pictureOf(report, 'light') === undefined) throw new Error(`${path} has nothing to draw`);
  return [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="${picturePath(path, 'dark')}">`,
    `  <img src="${picturePath(path, 'light')}" alt="How many times better sluice is than other port forwarders, by kind of work">`,
    '</picture>',
    '',
    `Measured ${dayOf(report)} on ${machineText(report)} ([every round](${path})). ` +
      'In how many of the kinds of work in the picture every round has sluice ahead, or behind; in the others some have ' +
      'it ahead and some behind:',
    '',
    ...markdownTable(
      ['beside', 'ahead', 'behind', 'neither'],
      othersOf(report).map((other) => countsOf(panels, other)),
    ),
  ].join('\n');
}

function countsOf(panels: readonly Panel[], { name, version }: PeerReport): string[] {
  const ratios = panels.flatMap(({ bars }) =>
    bars.filter((bar) => bar.name === name).map(({ ratio }) => ratio),
  );
  const ahead = ratios.filter(({ least }) => least > 1).length;
  const behind = ratios.filter(({ most }) => most < 1).length;
  return [`${name} ${shortVersion(version)}`, ...[ahead, behind, ratios.length - ahead - behind].map(String)];
}

export function architectureFigures(report: Report, path: string): string {
  const others = othersOf(report).filter(({ name }) =>
    report.works.some((work) => work.subjects.includes(name)),
  );
  const works = report.works.filter(({ label }) => label !== undefined);
  return [
    `\`npm run bench\`, ${dayOf(report)}, on ${machineText(report)}; every round is in \`${path}\`, of ` +
      `sluice at commit ${report.machine.commit}. How many times better sluice's splice engine is than each, ` +
      'by the median of the rounds, least to most in parentheses; above 1 it is better:',
    '',
    ...ratioTable(works, others, 'rate'),
    '',
    "The same of the proxy's own CPU time for a unit of work:",
    '',
    ...ratioTable(works, others, 'cpu'),
    '',
    'Idle flows, the start, and many mappings:',
    '',
    ...costTable(report),
  ].join('\n');
}

/** The main figure's ratios, or those of the CPU time. */
function ratioTable(
  works: readonly WorkReport[],
  others: readonly PeerReport[],
  what: 'rate' | 'cpu',
): string[] {
  const rows = works.map((work) => {
    const figure = what === 'cpu' ? work.figures.find(({ key }) => key === 'cpu') : work.figures[0];
    const ratio = (name: string) => (figure === undefined ? undefined : advantageOf(work, name, figure));
    return [work.label ?? '', ...others.map(({ name }) => ratioText(ratio(name)))];
  });
  return markdownTable(
    ['work', ...others.map(({ name, version }) => `${name} ${shortVersion(version)}`)],
    rows,
  );
}

/** Works that have no label: what watches rather than loads. */
function costTable(report: Report): string[] {
  const works = report.works.filter(({ label }) => label === undefined);
  const names = [...new Set(works.flatMap(({ subjects }) => subjects))];
  const rows = works.flatMap((work) =>
    work.figures.map((figure) => [
      `${work.title}: ${figure.title}`,
      ...names.map((name) => cell(figure, summaryOf(work, name, figure.key))),
    ]),
  );
  return markdownTable(['work', ...names], rows);
}

/** As the formatter has it: every column as wide as its widest cell. */
function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function othersOf({ peers }: Report): PeerReport[] {
  return peers.filter(({ kind }) => kind === 'other');
}

/** Debian's additions to a version say nothing here. */
function shortVersion(version: string): string {
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? version;
}

function dayOf({ date }: Report): string {
  return date.slice(0, 10);
}

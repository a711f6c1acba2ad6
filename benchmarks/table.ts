/** A work's result as a table for people. */
import type { Figure, WorkReport } from './report.js';
import { advantageOf, type Summary, summaryOf } from './statistics.js';

const ratioDigits = 2;

export function tableOf(work: WorkReport): string {
  const [main] = work.figures;
  const header = ['', ...work.figures.map(({ title }) => title), 'ratio'];
  const rows = work.subjects.map((subject) => [
    subject,
    ...work.figures.map((figure) => cell(figure, summaryOf(work, subject, figure.key))),
    subject === work.reference ? '1' : ratioText(advantageOf(work, subject, main)),
  ]);
  const notes = [
    `ratio: how many times better ${work.reference}'s ${main.title} is than this one's, round by round. ` +
      `Medians of ${roundsOf(work)}, least to most in parentheses.`,
    ...work.leftOut.map(({ name, why }) => `${name} is left out: ${why}`),
    ...work.failures.map(({ name, why }) => `${name} failed: ${why}`),
  ];
  return [`\n${work.title}`, ...aligned([header, ...rows]), ...notes].join('\n');
}

/** Median and spread; a dash where there are no figures. */
export function cell({ digits }: Pick<Figure, 'digits'>, summary: Summary | undefined): string {
  if (summary === undefined) return '-';
  const text = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(summary.median)} (${text(summary.least)}–${text(summary.most)})`;
}

export function ratioText(ratio: Summary | undefined): string {
  return cell({ digits: ratioDigits }, ratio);
}

function roundsOf({ rounds }: WorkReport): string {
  const count = new Set(rounds.map(({ round }) => round)).size;
  return `${count} round${count === 1 ? '' : 's'}`;
}

/** The first column to the left, figures to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}

/** A work's result as a table for people. */
import type { WorkResult } from './runner.js';
import type { Figure } from './scenarios/scenario.js';
import { type Summary, summarize } from './statistics.js';

export function summaryOf(result: WorkResult, subject: string, key: string): Summary | undefined {
  const values = result.rounds
    .filter((round) => round.subject === subject)
    .flatMap(({ measured }) => measured[key] ?? []);
  return values.length === 0 ? undefined : summarize(values);
}

/** The reference's median over the subject's; undefined where one of them has none. */
export function ratioOf(result: WorkResult, subject: string, key: string): number | undefined {
  const [of, over] = [summaryOf(result, result.work.reference, key), summaryOf(result, subject, key)];
  if (of === undefined || over === undefined || over.median === 0) return undefined;
  return of.median / over.median;
}

export function tableOf(result: WorkResult): string {
  const { work } = result;
  const [main] = work.figures;
  const header = ['', ...work.figures.map(({ title }) => title), 'ratio'];
  const rows = result.subjects.map((subject) => [
    subject,
    ...work.figures.map((figure) => cell(figure, summaryOf(result, subject, figure.key))),
    ratioOf(result, subject, main.key)?.toFixed(2) ?? '-',
  ]);
  const notes = [
    `ratio: ${work.reference}'s ${main.title} over this one's; ${
      main.better === 'more' ? 'above' : 'below'
    } 1 is better. Medians of ${roundsOf(result)}, least to most in parentheses.`,
    ...result.failures.map(({ subject, why }) => `${subject} failed: ${why}`),
  ];
  return [`\n${work.title}`, ...aligned([header, ...rows]), ...notes].join('\n');
}

function cell({ digits }: Figure, summary: Summary | undefined): string {
  if (summary === undefined) return '-';
  const text = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text(summary.median)} (${text(summary.least)}–${text(summary.most)})`;
}

function roundsOf({ rounds }: WorkResult): string {
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

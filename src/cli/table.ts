/** A table for people: columns as wide as what stands in them, and no wider together than the terminal. */

export interface Column<Row> {
  readonly title: string;
  /** One text, or several: they share a line where there is room. */
  readonly cell: (row: Row) => readonly string[];
  readonly alignRight?: boolean;
  /** What it may be cut down to where the terminal is narrow; undefined: it never is. */
  readonly least?: number;
  /** Where the terminal is narrow its texts stand below the row, a line each. */
  readonly below?: boolean;
}

const gap = '   ';
const narrowGap = '  ';
const indent = '    ';

/** @param width characters of the terminal; undefined: there is none, and lines are as long as they are */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | undefined,
): string {
  const short = rows.map((row) => columns.map(({ cell }) => [cell(row).join(', ')]));
  if (width === undefined || sum(widthsOf(columns, short), gap) <= width) return wideTable(columns, short);
  const tall = rows.map((row) =>
    columns.map(({ cell, below }) => (below ? cell(row) : [cell(row).join(', ')])),
  );
  if (sum(widthsOf(columns, tall), gap) <= width) return wideTable(columns, tall);
  return narrowTable(columns, rows, width);
}

/** The lines of each cell. */
type Cells = readonly (readonly string[])[];

function wideTable(columns: Titles, rows: readonly Cells[]): string {
  const widths = widthsOf(columns, rows);
  const lines = rows.flatMap((cells) => {
    const height = Math.max(1, ...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, index) => cells.map((cell) => cell[index] ?? ''));
  });
  return [titlesOf(columns), ...lines].map((texts) => lineOf(columns, texts, widths, gap)).join('');
}

function narrowTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  const across = columns.filter(({ below = false }) => !below);
  const cells = rows.map((row) => across.map(({ cell }) => cell(row).join(', ')));
  const widths = widthsOf(
    across,
    cells.map((row) => row.map((text) => [text])),
  );
  const cuttable = (index: number) =>
    (widths[index] ?? 0) - (across[index]?.least ?? Number.POSITIVE_INFINITY);
  for (let tooWide = sum(widths, narrowGap) - width; tooWide > 0; tooWide -= 1) {
    // The widest gives way first.
    const indexes = [...widths.keys()].filter((index) => cuttable(index) > 0);
    const [widest] = indexes.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const belowOf = (row: Row) =>
    columns.filter(({ below }) => below).flatMap(({ cell }) => cell(row).map((text) => `${indent}${text}\n`));
  const lines = rows.flatMap((row, index) => [
    lineOf(across, cells[index] ?? [], widths, narrowGap),
    ...belowOf(row),
  ]);
  return [lineOf(across, titlesOf(across), widths, narrowGap), ...lines].join('');
}

type Titles = readonly { readonly title: string; readonly alignRight?: boolean }[];

function titlesOf(columns: Titles): string[] {
  return columns.map(({ title }) => title);
}

function widthsOf(columns: Titles, rows: readonly Cells[]): number[] {
  return columns.map(({ title }, index) =>
    rows
      .flatMap((cells) => cells[index] ?? [])
      .reduce((most, line) => Math.max(most, line.length), title.length),
  );
}

function sum(widths: readonly number[], between: string): number {
  return widths.reduce((total, width) => total + width, 0) + between.length * (widths.length - 1);
}

function lineOf(
  columns: Titles,
  texts: readonly string[],
  widths: readonly number[],
  between: string,
): string {
  const padded = columns.map(({ alignRight = false }, index) => {
    const text = texts[index] ?? '';
    const width = widths[index] ?? 0;
    const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    return alignRight ? cut.padStart(width) : cut.padEnd(width);
  });
  return `${padded.join(between).trimEnd()}\n`;
}

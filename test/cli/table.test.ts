import { describe, expect, it } from '@jest/globals';
import { type Column, formatTable } from '../../src/cli/table.js';

interface Row {
  readonly name: string;
  readonly ports: readonly string[];
  readonly count: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', cell: ({ name }) => [name], least: 6 },
  { title: 'PORTS', cell: ({ ports }) => ports, below: true },
  { title: 'COUNT', cell: ({ count }) => [String(count)], alignRight: true },
];
const rows: readonly Row[] = [
  { name: 'web', ports: ['0.0.0.0:80->80/tcp', '[::]:80->80/tcp'], count: 12_345_678 },
  { name: 'a-long-name', ports: [], count: 0 },
];

describe('a table', () => {
  it.each([undefined, 200])('has a line a row where there is room (%s)', (width) => {
    expect(formatTable(columns, rows, width)).toBe(
      `NAME          PORTS                                    COUNT
web           0.0.0.0:80->80/tcp, [::]:80->80/tcp   12345678
a-long-name                                                0
`,
    );
  });

  it('gives several texts a line each where that fits', () => {
    expect(formatTable(columns, rows, 50)).toBe(
      `NAME          PORTS                   COUNT
web           0.0.0.0:80->80/tcp   12345678
              [::]:80->80/tcp
a-long-name                               0
`,
    );
  });

  it('puts them below, and cuts what may be cut, where it is narrow', () => {
    expect(formatTable(columns, rows, 18)).toBe(
      `NAME         COUNT
web       12345678
    0.0.0.0:80->80/tcp
    [::]:80->80/tcp
a-long-…         0
`,
    );
    expect(formatTable(columns, rows, 3)).toMatch(/^a-lon…\s+0$/m);
  });

  it('has its titles where there is no row', () => {
    expect(formatTable(columns, [], 80)).toBe('NAME   PORTS   COUNT\n');
  });
});

/** Results made up for tests. */
import type { MachineFacts, Report, WorkReport } from '../../benchmarks/report.js';

/** By subject the rates of its rounds; the reference is `ours`. */
export function workOf(title: string, rates: Readonly<Record<string, readonly number[]>>): WorkReport {
  return {
    ...{ scenario: 'some', title, label: title, reference: 'ours' },
    figures: [{ key: 'rate', title: 'requests/s', better: 'more', digits: 0 }],
    subjects: Object.keys(rates),
    rounds: Object.entries(rates).flatMap(([subject, values]) =>
      values.map((rate, round) => ({ round, subject, measured: { rate } })),
    ),
    ...{ failures: [], leftOut: [] },
  };
}

export function reportOf(works: readonly WorkReport[], machine: Partial<MachineFacts> = {}): Report {
  return {
    ...{
      format: 2,
      date: '2026-01-02T03:04:05.000Z',
      rounds: 5,
      seconds: 1,
      ownSessions: false,
      skipped: [],
      works: [...works],
    },
    machine: {
      ...{
        cpu: 'a CPU',
        cores: 2,
        memoryBytes: 1e9,
        system: 'Debian',
        kernel: '6.1',
        congestionControl: 'cubic',
        node: 'v20.19.0',
      },
      ...{ loadBefore: 0, openFiles: 1_024, commit: 'abc1234', tools: {} },
      ...machine,
    },
    peers: [
      { name: 'direct', kind: 'none', version: '-', choices: {} },
      { name: 'ours', kind: 'sluice', version: '1.0.0', choices: {} },
      { name: 'theirs', kind: 'other', version: '2.3.4+deb12', choices: {} },
    ],
  };
}

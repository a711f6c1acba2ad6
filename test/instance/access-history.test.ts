import { describe, expect, it } from '@jest/globals';
import { AccessHistory } from '../../src/instance/access-history.js';
import { accessRecord } from '../../src/log/access-record.js';

const client = { ip: { family: 4, text: '192.0.2.1' }, port: 1 } as const;

function historyOf(records: number, most = 4): AccessHistory {
  const history = new AccessHistory(most);
  for (let number = 0; number < records; number += 1) {
    const ended = {
      ...{ protocol: 'tcp', client, target: undefined, bytesIn: number, bytesOut: 0, milliseconds: 0 },
      ...{ reason: 'done', failed: undefined, error: undefined },
    };
    history.add(accessRecord(ended, 'web', client), number);
  }
  return history;
}

const numbersOf = (history: AccessHistory, from: number, most: number) => {
  const { records, lost, next } = history.read(from, most);
  return { numbers: records.map(({ record }) => record.bytes_in), lost, next };
};

describe('the access history', () => {
  it('gives records in order, so many at a time', () => {
    const history = historyOf(3);
    expect(numbersOf(history, 0, 2)).toEqual({ numbers: [0, 1], lost: 0, next: 2 });
    expect(numbersOf(history, 2, 2)).toEqual({ numbers: [2], lost: 0, next: 3 });
    expect(numbersOf(history, 3, 2)).toEqual({ numbers: [], lost: 0, next: 3 });
  });

  it('keeps the latest, and says how many a reader came too late for', () => {
    expect(numbersOf(historyOf(10), 3, 9)).toEqual({ numbers: [6, 7, 8, 9], lost: 3, next: 10 });
  });

  it('holds no more than its bound, however many are added', () => {
    expect(numbersOf(historyOf(100_000), 0, 100_000).numbers).toHaveLength(4);
  });

  it('tells followers of what is new and of its end, until they have had enough', () => {
    const history = historyOf(0);
    let told = 0;
    const unfollow = history.follow(() => {
      told += 1;
    });
    expect(history.followers).toBe(1);
    history.tellFollowers();
    history.close();
    expect([told, history.closed]).toEqual([2, true]);
    unfollow();
    history.tellFollowers();
    expect([told, history.followers]).toEqual([2, 0]);
  });
});

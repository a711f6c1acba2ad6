import { describe, expect, test } from '@jest/globals';
import { associationEndReasons, closeTable } from '../../../src/engine/close-table.js';
import type { FlowEnd } from '../../../src/engine/engine.js';
import { type EndFacts, readEnd, recordFields, writeEnd } from '../../../src/engine/splice/end-records.js';
import { Errno } from '../../../src/sys/errno.js';
import { writeSockaddr } from '../../../src/sys/sockaddr.js';

/** An address in words, by way of what the kernel would write. */
function wordsOf(family: 4 | 6, text: string): Int32Array {
  const memory = new Uint8Array(28);
  writeSockaddr(memory, 0, { family, text, port: 0 });
  return new Int32Array(memory.slice(family === 6 ? 8 : 4, family === 6 ? 24 : 8).buffer);
}

const v4: EndFacts = {
  service: 3,
  udp: false,
  clientFamily: 4,
  clientPort: 65_535,
  clientWords: wordsOf(4, '192.0.2.255'),
  target: {
    kind: 'ip',
    address: { family: 6, port: 8080, words: wordsOf(6, '2001:db8::1:0:0:ffff') },
    textNumber: 0,
  },
  bytesIn: 2 ** 40,
  bytesOut: 0,
  milliseconds: 12.5,
  cause: 'target-reset',
  errno: Errno.ECONNRESET,
};
const v4End: FlowEnd = {
  service: 3,
  protocol: 'tcp',
  client: { ip: { family: 4, text: '192.0.2.255' }, port: 65_535 },
  target: { kind: 'ip', ip: { family: 6, text: '2001:db8::1:0:0:ffff' }, port: 8080 },
  bytesIn: 2 ** 40,
  bytesOut: 0,
  milliseconds: 12.5,
  reason: 'target-reset',
  failed: 'target',
  error: 'ECONNRESET',
};

function passed(...facts: EndFacts[]): FlowEnd[] {
  const records = new Float64Array(facts.length * recordFields);
  for (const [index, fact] of facts.entries()) writeEnd(records, index, fact);
  return facts.map((_, index) =>
    readEnd(records, index, (service, text) => ['', '%eth0', `/of/${service}`][text] ?? 'unknown'),
  );
}

describe('a flow end as numbers', () => {
  test('reads as it was written', () => {
    expect(passed(v4)).toEqual([v4End]);
  });

  test('keeps apart from the one before it in the batch', () => {
    const unix: EndFacts = { ...v4, service: 0, target: { kind: 'unix', textNumber: 2 }, errno: 0 };
    const none: EndFacts = { ...v4, target: undefined, cause: 'dial-unreachable' };
    const v6: EndFacts = { ...v4, clientFamily: 6, clientWords: wordsOf(6, 'fe80::1') };
    const linkLocal = { family: 6, port: 8080, words: wordsOf(6, 'fe80::2') } as const;
    const zoned: EndFacts = { ...v4, target: { kind: 'ip', address: linkLocal, textNumber: 1 } };
    expect(passed(v4, unix, none, v6, zoned)).toEqual([
      v4End,
      { ...v4End, service: 0, target: { kind: 'unix', path: '/of/0' }, error: undefined },
      { ...v4End, target: undefined, reason: 'target-unreachable' },
      { ...v4End, client: { ip: { family: 6, text: 'fe80::1' }, port: 65_535 } },
      { ...v4End, target: { kind: 'ip', ip: { family: 6, text: 'fe80::2%eth0' }, port: 8080 } },
    ]);
  });

  test.each(Object.entries(closeTable))('has the reason and the failed side of %s', (cause, row) => {
    const [end] = passed({ ...v4, cause: cause as keyof typeof closeTable });
    expect(end).toMatchObject({ reason: row.reason, failed: row.failed });
  });

  test.each(associationEndReasons)('of an association is %s', (cause) => {
    const [end] = passed({ ...v4, udp: true, cause, errno: 0 });
    expect(end).toMatchObject({ protocol: 'udp', reason: cause, failed: undefined, error: undefined });
  });
});

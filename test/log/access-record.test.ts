import { describe, expect, it } from '@jest/globals';
import type { FlowEnd } from '../../src/engine/engine.js';
import { accessRecord } from '../../src/log/access-record.js';

const published = { ip: { family: 6, text: '::' }, port: 8080 } as const;
const end: FlowEnd = {
  service: 3,
  protocol: 'tcp',
  client: { ip: { family: 6, text: 'fd00::9' }, port: 50_000 },
  target: { kind: 'ip', ip: { family: 4, text: '10.0.0.1' }, port: 80 },
  bytesIn: 120,
  bytesOut: 4096,
  milliseconds: 12.6,
  reason: 'done',
  failed: undefined,
  error: undefined,
};

describe('accessRecord', () => {
  it('of a flow that ended well has these keys and no others', () => {
    expect(accessRecord(end, 'web', published)).toStrictEqual({
      mapping: 'web',
      protocol: 'tcp',
      client: '[fd00::9]:50000',
      published: '[::]:8080',
      target: '10.0.0.1:80',
      bytes_in: 120,
      bytes_out: 4096,
      ms: 13,
      reason: 'done',
    });
  });

  it('of a flow that failed has the side and the errno too', () => {
    const failure = { reason: 'target-refused', failed: 'target', error: 'ECONNREFUSED' } as const;
    expect(accessRecord({ ...end, ...failure }, 'web', published)).toStrictEqual({
      ...accessRecord(end, 'web', published),
      ...failure,
    });
  });

  it('has null for a target that was not known', () => {
    expect(accessRecord({ ...end, target: undefined }, 'web', published).target).toBeNull();
  });

  it('has a unix socket as it is written', () => {
    const target = { kind: 'unix', path: '/run/app.sock' } as const;
    expect(accessRecord({ ...end, target }, 'web', published).target).toBe('unix:/run/app.sock');
  });
});

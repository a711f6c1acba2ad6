import { pino } from 'pino';
import { accessRecord } from '../../src/log/access-record.js';
import { functionPart } from './part.js';

/** Made, and written as JSON; where it goes is not counted. */
export const accessLog = functionPart('one access-log record', () => {
  const options = { base: { instance: 'web' }, timestamp: pino.stdTimeFunctions.isoTime };
  const logger = pino(options, { write: () => undefined });
  const published = { ip: { family: 4, text: '0.0.0.0' }, port: 8080 } as const;
  const client = { ip: { family: 4, text: '192.0.2.1' }, port: 50_000 } as const;
  const target = { kind: 'ip', ip: { family: 4, text: '172.17.0.2' }, port: 80 } as const;
  const end = {
    ...{ protocol: 'tcp', client, target, bytesIn: 79, bytesOut: 4_370, milliseconds: 17.4 },
    ...{ reason: 'done', failed: undefined, error: undefined },
  };
  return () => logger.info(accessRecord(end, 'web', published), 'flow ended');
});

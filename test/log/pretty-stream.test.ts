import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { type Logger, pino } from 'pino';
import { prettyStream } from '../../src/log/pretty-stream.js';

const flow = {
  mapping: 'web',
  protocol: 'tcp',
  client: '192.0.2.7:50000',
  published: '0.0.0.0:8080',
  target: '10.0.0.1:80',
  bytes_in: 120,
  bytes_out: 4_200_000,
  ms: 12,
  reason: 'done',
};

/** What a logger with these lines writes to a terminal. */
function written(colorize: boolean, log: (logger: Logger) => void): string {
  const terminal = new PassThrough();
  log(pino({ base: { instance: 'edge' }, level: 'debug' }, prettyStream(terminal, colorize)));
  return String(terminal.read() ?? '');
}

/** A plain line without its time of day. */
function line(log: (logger: Logger) => void): string {
  const text = written(false, log);
  expect(text).toMatch(/^\[\d\d:\d\d:\d\d\] .*\n$/);
  return text.slice('[00:00:00] '.length, -1);
}

describe('a line for a person', () => {
  it('is a level and a sentence, without the fields of the record', () => {
    expect(line((logger) => logger.warn({ mapping: 'web' }, 'cannot resolve db'))).toBe(
      'WARN: cannot resolve db',
    );
  });

  it('tells of a flow from whom, to where, how much, how long and why it ended', () => {
    expect(line((logger) => logger.info(flow, 'flow'))).toBe(
      'INFO: web tcp 192.0.2.7:50000 -> 10.0.0.1:80  120 B in, 4.2 MB out, 12 ms  done',
    );
  });

  it('tells of a flow that failed with which errno, and that it went nowhere', () => {
    const failed = { ...flow, target: null, bytes_out: 0, reason: 'target-refused', error: 'ECONNREFUSED' };
    expect(line((logger) => logger.info(failed, 'flow'))).toBe(
      'INFO: web tcp 192.0.2.7:50000 -> nowhere  120 B in, 0 B out, 12 ms  target-refused (ECONNREFUSED)',
    );
  });

  it('tells of long flows in seconds', () => {
    expect(line((logger) => logger.info({ ...flow, ms: 9_999 }, 'flow'))).toContain(' 9999 ms ');
    expect(line((logger) => logger.info({ ...flow, ms: 12_345 }, 'flow'))).toContain(' 12.3 s ');
  });
});

describe('colour', () => {
  const done = (logger: Logger) => logger.info(flow, 'flow');
  const reset = (logger: Logger) => logger.info({ ...flow, reason: 'client-reset' }, 'flow');

  it('is there only where it is asked for', () => {
    const plain = written(false, done);
    expect(stripVTControlCharacters(plain)).toBe(plain);
    const coloured = written(true, done);
    expect(stripVTControlCharacters(coloured)).not.toBe(coloured);
    expect(stripVTControlCharacters(coloured).slice('[00:00:00] '.length)).toBe(
      plain.slice('[00:00:00] '.length),
    );
  });

  it('sets flows that ended well apart from the others', () => {
    expect(written(true, done)).toContain('\u001b[32mdone');
    expect(written(true, (logger) => logger.info({ ...flow, reason: 'expired' }, 'flow'))).toContain(
      '\u001b[32mexpired',
    );
    expect(written(true, reset)).toContain('\u001b[33mclient-reset');
  });
});

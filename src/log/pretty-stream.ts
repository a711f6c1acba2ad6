/** Log lines for a person at a terminal: a time, a level where it matters, and a sentence. */
import type { DestinationStream } from 'pino';
import pinoPretty, { type PrettyOptions } from 'pino-pretty';
import prettyBytes from 'pretty-bytes';
import type { AccessRecord } from './access-record.js';

/** Writes pretty lines to a terminal. */
export function prettyStream(terminal: DestinationStream, colorize: boolean): DestinationStream {
  const pretty = pinoPretty.prettyFactory(prettyOptions(colorize));
  return { write: (line: string) => terminal.write(pretty(line)) };
}

function prettyOptions(colorize: boolean): PrettyOptions {
  return {
    colorize,
    // The sentence in the terminal's own colour, so that the reason stands out.
    customColors: 'message:reset',
    useOnlyCustomProps: false,
    translateTime: 'SYS:HH:MM:ss',
    hideObject: true,
    ignore: 'instance',
    messageFormat: (record, messageKey, _level, { colors }) => {
      if (!isAccessRecord(record)) return String(record[messageKey]);
      const paint = record.reason === 'done' || record.reason === 'expired' ? colors.green : colors.yellow;
      return formatFlow(record, paint(record.reason));
    },
  };
}

function isAccessRecord(record: object): record is AccessRecord {
  return 'bytes_in' in record && 'reason' in record;
}

function formatFlow(record: AccessRecord, reason: string): string {
  const { mapping, protocol, client, target, bytes_in, bytes_out, ms, error } = record;
  const amounts = `${prettyBytes(bytes_in)} in, ${prettyBytes(bytes_out)} out, ${formatMs(ms)}`;
  const why = error === undefined ? reason : `${reason} (${error})`;
  return `${mapping} ${protocol} ${client} -> ${target ?? 'nowhere'}  ${amounts}  ${why}`;
}

function formatMs(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The access log of one instance, written to whoever asked for it: JSON lines, in the log's own form. */
import type { ServerResponse } from 'node:http';
import type { AccessHistory, DatedRecord } from '../instance/access-history.js';
import { limits } from '../limits.js';

const levels = { info: 30, warn: 40 } as const;

export interface LogRequest {
  /** How many of the latest records to begin with; undefined: all that are kept. */
  readonly tail: number | undefined;
  /** Goes on with those to come, until the reader leaves or the instance ends. */
  readonly follow: boolean;
}

/** Done when the last record is written, or the reader has gone. */
export async function writeAccessLog(
  instance: string,
  history: AccessHistory,
  { tail, follow }: LogRequest,
  response: ServerResponse,
): Promise<void> {
  let next = Math.max(0, history.added - (tail ?? history.added));
  let wake = () => undefined as unknown;
  const unfollow = history.follow(() => wake());
  response.on('drain', () => wake());
  response.on('close', () => wake());
  while (!response.destroyed) {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const part = history.read(next, limits.accessRecordsPerWrite);
    const all = part.next === history.added;
    // What the reader does not take stays in the ring, and is lost there at last.
    if (!response.writableNeedDrain && part.records.length > 0) {
      next = part.next;
      const lines = part.records.map((dated) => recordLine(instance, dated));
      if (part.lost > 0) lines.unshift(lostLine(instance, part.lost));
      response.write(lines.join(''));
    } else if (all && part.records.length === 0 && (!follow || history.closed)) {
      response.end();
      break;
    } else {
      await woken;
    }
  }
  unfollow();
}

function recordLine(instance: string, { atMs, record }: DatedRecord): string {
  return line(levels.info, atMs, instance, { ...record, msg: 'flow ended' });
}

function lostLine(instance: string, lost: number): string {
  const msg = `${lost} records are lost: the latest ${limits.accessRecords} are kept`;
  return line(levels.warn, Date.now(), instance, { lost, msg });
}

function line(level: number, atMs: number, instance: string, fields: object): string {
  return `${JSON.stringify({ level, time: new Date(atMs).toISOString(), instance, ...fields })}\n`;
}

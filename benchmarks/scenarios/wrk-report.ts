/** wrk's report, read. */

export interface WrkReport {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Connections that failed, reads, writes and time-outs, and answers that are no success. */
  readonly errors: number;
}

const millisecondsOf: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** @throws Error that says what the report lacks */
export function parseWrk(text: string): WrkReport {
  return {
    requests: Number(find(text, /^\s*(\d+) requests in /m, 'its requests')),
    requestsPerSecond: Number(find(text, /^Requests\/sec:\s+([\d.]+)/m, 'its rate')),
    p50Ms: percentile(text, '50%'),
    p99Ms: percentile(text, '99%'),
    errors: socketErrors(text) + Number(/^\s*Non-2xx or 3xx responses: (\d+)/m.exec(text)?.[1] ?? 0),
  };
}

function percentile(text: string, name: string): number {
  const pattern = new RegExp(`^\\s*${name}\\s+([\\d.]+)(us|ms|s|m|h)\\b`, 'm');
  const [, value, unit = ''] = pattern.exec(text) ?? [];
  const factor = millisecondsOf[unit];
  if (value === undefined || factor === undefined) throw new Error(`wrk's report lacks its ${name} latency`);
  return Number(value) * factor;
}

function socketErrors(text: string): number {
  const counts = /^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/m.exec(text) ?? [];
  return counts.slice(1).reduce((sum, count) => sum + Number(count), 0);
}

function find(text: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`wrk's report lacks ${what}`);
  return found;
}

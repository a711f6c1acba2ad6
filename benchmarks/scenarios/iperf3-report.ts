/** iperf3's JSON report, read. */

export interface Iperf3Report {
  readonly bytes: number;
  readonly gigabitsPerSecond: number;
}

interface Report {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bytes?: number; readonly bits_per_second?: number } };
}

/** What the receiver got. @throws Error with iperf3's own words, or what its report lacks */
export function parseIperf3(text: string): Iperf3Report {
  const { error, end } = JSON.parse(text) as Report;
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  const { bytes, bits_per_second: rate } = end?.sum_received ?? {};
  if (bytes === undefined || rate === undefined) throw new Error("iperf3's report lacks what was received");
  return { bytes, gigabitsPerSecond: rate / 1e9 };
}

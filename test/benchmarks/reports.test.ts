/** The reports of wrk and iperf3, as these programs wrote them. */
import { describe, expect, it } from '@jest/globals';
import { parseIperf3 } from '../../benchmarks/scenarios/iperf3-report.js';
import { parseWrk } from '../../benchmarks/scenarios/wrk-report.js';

const wrkReport = `Running 2s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.30ms  822.51us  17.50ms   87.33%
    Req/Sec    50.22k     5.14k   61.07k    65.00%
  Latency Distribution
     50%    1.13ms
     75%  950.00us
     90%    2.12ms
     99%    4.45ms
  100101 requests in 2.01s, 19.09MB read
Requests/sec:  49802.64
Transfer/sec:      9.50MB
`;

describe("wrk's report", () => {
  it('is read', () => {
    expect(parseWrk(wrkReport)).toEqual({
      requests: 100_101,
      requestsPerSecond: 49_802.64,
      p50Ms: 1.13,
      p99Ms: 4.45,
      errors: 0,
    });
  });

  it.each([
    ['431.00us', 0.431],
    ['1.04s', 1_040],
    ['1.50m', 90_000],
  ])('has latencies in other units: %s', (text, expected) => {
    expect(parseWrk(wrkReport.replace('99%    4.45ms', `99%  ${text}`)).p99Ms).toBeCloseTo(expected);
  });

  it('tells what failed', () => {
    const failures = `  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 50000
Requests/sec`;
    expect(parseWrk(wrkReport.replace('Requests/sec', failures)).errors).toBe(54_321);
  });

  it('that is cut short is refused, with what it lacks', () => {
    expect(() => parseWrk('Running 2s test')).toThrow("wrk's report lacks its requests");
    expect(() => parseWrk(wrkReport.replace('99%', '98%'))).toThrow("wrk's report lacks its 99% latency");
  });
});

describe("iperf3's report", () => {
  it('is read by what was received', () => {
    const end = {
      sum_sent: { bytes: 2_000_000_000, bits_per_second: 8e9 },
      sum_received: { bytes: 1_990_000_000, bits_per_second: 7.96e9 },
    };
    expect(parseIperf3(JSON.stringify({ end }))).toEqual({ bytes: 1_990_000_000, gigabitsPerSecond: 7.96 });
  });

  it('of a failure is an error in its own words', () => {
    const error = 'the server is busy running a test. try again later';
    expect(() => parseIperf3(JSON.stringify({ end: {}, error }))).toThrow(`iperf3: ${error}`);
  });

  it('that lacks its sum is refused', () => {
    expect(() => parseIperf3('{"end":{}}')).toThrow('lacks what was received');
  });
});

/** Every bound and every time of the benchmarks, each with its unit in its name and its reason beside it. */

export const bench = {
  /** A process that was started is accepting by then, or is given up. */
  readyMs: 15_000,
  /** Between two looks whether it is: far less than the fastest start. */
  readyPollMs: 1,
  /** Between SIGTERM and SIGKILL. */
  stopMs: 2_000,
  /** A load generator may take this much longer than it was asked to. */
  overtimeMs: 20_000,
  /** Kept of what a child says: 2,000 published lines, or one report of iperf3. */
  outputCharacters: 1_000_000,
  /** Between a start, or the last of many connections, and reading the memory: what is freed at once is freed. */
  settleMs: 500,
  /** A round's share that the warm-up before the first lasts, and its least: V8 has compiled the hot loops by then. */
  warmUpShare: 0.5,
  warmUpLeastSeconds: 1,
  /** Below the kernel's ephemeral ports, so that no load's own connection takes one that is kept for a proxy. */
  leastPort: 10_240,
  mostPort: 31_000,
  /** Open files kept back when connections are counted against the limit. */
  filesReserved: 1_000,
  /** Idle flows of a peer that forks a process for each. */
  forkedFlows: 200,
  /** Longest a process of ours that only serves stays when nobody stops it. */
  servantSeconds: 3_600,
  /** How often it looks whether whoever started it is still there. */
  parentPollMs: 1_000,
} as const;

/** How large each scenario is; the tests run them tiny. */
export interface Sizes {
  readonly httpConnections: readonly number[];
  readonly httpCloseConnections: number;
  readonly streams: readonly number[];
  readonly udpLoads: readonly UdpLoad[];
  readonly idleFlows: number;
  readonly mappings: number;
}

export interface UdpLoad {
  readonly clients: number;
  readonly inFlight: number;
  readonly bytes: number;
}

export const fullSizes: Sizes = {
  httpConnections: [64, 256],
  httpCloseConnections: 64,
  streams: [1, 8],
  udpLoads: [
    { clients: 64, inFlight: 4, bytes: 64 },
    { clients: 1, inFlight: 32, bytes: 1_200 },
  ],
  idleFlows: 10_000,
  mappings: 1_000,
};

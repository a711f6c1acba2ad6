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
  /** Below the kernel's ephemeral ports, so that no load's own connection takes one that is kept for a proxy. */
  leastPort: 10_240,
  mostPort: 31_000,
  /** Open files kept back when connections are counted against the limit. */
  filesReserved: 1_000,
  /** Memory hardly varies, and ten thousand connections take seconds. */
  idleRounds: 3,
  /** Idle flows of a peer that forks a process for each. */
  forkedFlows: 200,
  /** Longest a process of ours that only serves stays when nobody stops it. */
  servantSeconds: 3_600,
  /** Where nobody watches a line that is written over, a new one comes this often. */
  progressEveryMs: 10_000,
  /** From this share on what is left is told by the pace so far. */
  paceIsKnownAt: 0.1,
  /** How often it looks whether whoever started it is still there. */
  parentPollMs: 1_000,
} as const;

/** How long and how often; the tests take neither long nor often. */
export interface Pace {
  /** Turns of each subject. */
  readonly rounds: number;
  /** What a turn of a load lasts. */
  readonly seconds: number;
  /** What each subject's first turn lasts, which does not count; 0: there is none. */
  readonly warmUpSeconds: number;
  /** When this is over no further round is begun, once there have been `leastRounds`. */
  readonly withinSeconds?: number;
}

/** Fewer have no spread. */
export const leastRounds = 2;

/**
 * The warm-up of the full benchmarks. A sluice under load takes about two seconds to take on its threads and to have V8's
 * best code in each: of a fresh one's keep-alive answers the slowest hundredth takes twice as long in the first second as
 * from the third on.
 */
export const warmUpSeconds = 3;

/** Ends within a minute, with what `npm` does before it. */
export const quickPace: Pace = { rounds: 5, seconds: 0.25, warmUpSeconds: 0.25, withinSeconds: 40 };

/** How large each scenario is; the tests run them tiny. */
export interface Sizes {
  readonly httpConnections: readonly number[];
  readonly wrkConnections: readonly number[];
  readonly httpCloseConnections: number;
  readonly latency: LatencyLoad;
  readonly bulkLoads: readonly BulkLoad[];
  readonly iperf3Streams: readonly number[];
  readonly churnConnections: number;
  readonly udpLoads: readonly UdpLoad[];
  readonly idleFlows: number;
  /** Of one instance; half of them UDP, where there is more than one. */
  readonly mappings: readonly number[];
}

export interface LatencyLoad {
  readonly connections: number;
  /** Messages a second. */
  readonly rate: number;
}

export interface BulkLoad {
  readonly streams: number;
  readonly bothWays: boolean;
}

/** So many clients in all, of whom so many have datagrams under way, so many each; one each where others wait. */
export interface UdpLoad {
  readonly clients: number;
  readonly active: number;
  readonly inFlight: number;
  readonly bytes: number;
  /** All that a client has under way is one message, which the kernel cuts into datagrams, as QUIC sends bulk. */
  readonly together?: true;
}

export const fullSizes: Sizes = {
  httpConnections: [64],
  wrkConnections: [64, 256],
  httpCloseConnections: 64,
  // Far below what the slowest peer can do: it is the answer's time that is asked for.
  latency: { connections: 16, rate: 2_000 },
  bulkLoads: [
    { streams: 1, bothWays: false },
    { streams: 1, bothWays: true },
    { streams: 8, bothWays: false },
  ],
  iperf3Streams: [1, 8],
  churnConnections: 64,
  // As many under way as a receive buffer of the kernel's default size holds: what is lost is the proxy's loss.
  udpLoads: [
    { clients: 1, active: 1, inFlight: 32, bytes: 64 },
    { clients: 1, active: 1, inFlight: 32, bytes: 1_200 },
    { clients: 64, active: 64, inFlight: 4, bytes: 64 },
    { clients: 64, active: 64, inFlight: 1, bytes: 1_200 },
    { clients: 1_000, active: 64, inFlight: 1, bytes: 64 },
    { clients: 1_000, active: 64, inFlight: 1, bytes: 1_200 },
    { clients: 8, active: 8, inFlight: 16, bytes: 1_200, together: true },
  ],
  idleFlows: 10_000,
  mappings: [1, 100, 2_000],
};

export const quickSizes: Sizes = {
  ...fullSizes,
  bulkLoads: [{ streams: 1, bothWays: false }],
  udpLoads: [{ clients: 64, active: 64, inFlight: 4, bytes: 64 }],
};

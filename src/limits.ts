/**
 * Every bound and every time in sluice, each with its unit in its name and its reason beside it.
 * Relations between them are asserted in test/limits.test.ts.
 */

export const limits = {
  // --- what may be asked for -----------------------------------------------------------------------------------

  /** All ports of one protocol: more than this in one request is a mistake. */
  publishedPorts: 65_536,
  /** A unix socket's path, in bytes: sun_path holds 108 and a closing zero is one of them (unix(7)). */
  unixPathBytes: 107,
  /** The largest mapping file read, in bytes: 65,536 ports written out one a line take about 6 MiB. */
  mappingFileBytes: 16 * 1024 * 1024,
  /** Faults told of one mapping file; past that, how many more there are. */
  faultsTold: 100,
  /** Names and ports that an error offers to choose from; past that, how many more there are. */
  choicesTold: 10,
  /** The narrowest help, in columns: in fewer, yargs cuts the names of options in two. */
  helpColumnsLeast: 60,
  /** The widest help, in columns: a longer line is hard to follow back. */
  helpColumnsMost: 110,
  /** The longest duration, so that it fits the 32 bits of a timer: 24 days. */
  durationMs: 24 * 24 * 3600 * 1000,

  // --- binding -------------------------------------------------------------------------------------------------

  /** Binds under way at once: enough to keep the loop busy, few enough that a failure is seen early. */
  bindsAtOnce: 64,
  /** Tries to find a port that is free on 0.0.0.0 and [::] both; each loses only to a race or a half-used port. */
  freePortAttempts: 32,
  /** The accept queue asked for; the kernel lowers it to net.core.somaxconn. */
  listenBacklog: 4096,
  /** Connections and datagrams held between the bind of a listener and the start of forwarding. */
  earlyArrivals: 512,

  // --- TCP -----------------------------------------------------------------------------------------------------

  /** One dial; docker-proxy has no such bound and hangs. */
  connectTimeoutMs: 10_000,
  /** Quiet time before the first keepalive probe: below the 350 s and more of common NAT tables. */
  keepAliveDelayMs: 60_000,

  // --- flows that wait for their target ------------------------------------------------------------------------

  /** How long a flow waits for a target that is absent: a container's stop and start, with some to spare. */
  waitMs: 10_000,
  /** How long a flow that failed waits for news of a target that is followed: an event takes far less. */
  newsMs: 1_000,
  /** Flows of one listener that wait at once, each with a descriptor: 200 a second come in the time above, twice over. */
  waitingFlows: 4_096,
  /** Between two tries of a target that is there but refuses. */
  waitRetryMs: 100,
  /** Dials under way at once from the line, so that a target that has just come is not flooded. */
  waitingDials: 64,
  /** Kept of each UDP client meanwhile, in number and bytes: a few questions, or one datagram of the largest size. */
  waitingDatagrams: 16,
  waitingDatagramBytes: 128 * 1024,
  /** Kept of all clients of a listener. */
  waitingDatagramBytesInAll: 16 * 1024 * 1024,

  // --- UDP -----------------------------------------------------------------------------------------------------

  /** Until the target has answered once, as conntrack's nf_conntrack_udp_timeout. */
  udpUnansweredTimeoutMs: 30_000,
  /** After the target has answered; docker-proxy's one timeout. */
  udpTimeoutMs: 90_000,
  /** While draining, an association is over once it was quiet this long. */
  udpDrainQuietMs: 1_000,
  /**
   * What is closed to make room for a client's socket: spare pipes once, and one association. What is short may not be
   * ours, and then no number of them helps.
   */
  udpRoomsMade: 2,
  /** Datagrams that wait for a socket to take them, each association and each listener; further ones are dropped. */
  udpQueuedDatagrams: 256,
  /** Receive buffer asked for, in bytes: bursts of a thousand full datagrams; the kernel lowers it to rmem_max. */
  udpReceiveBufferBytes: 2 * 1024 * 1024,

  // --- flows ---------------------------------------------------------------------------------------------------

  /** Flows of one listener, unless its mapping's `max_flows` says otherwise. */
  flowsPerMapping: 16_384,
  /** The most that `max_flows` may say: the kernel's usual fs.nr_open, and a flow takes a descriptor at least. */
  flowsMost: 1_048_576,
  /** Descriptors a flow takes, and those kept back for listeners, logs and the runtime itself. */
  descriptorsPerFlow: 2,
  descriptorsReserved: 64,
  /** Flow ends handed over in one batch. */
  flowEndsPerBatch: 1_024,

  // --- the splice engine --------------------------------------------------------------------------------------

  /** Shards of one engine, asked for or added while all there are were busy. */
  shardsMost: 64,
  /**
   * Of the time of one window, how much a thread has to be on a processor to count as busy. More it may never get where
   * those it forwards for share its processors, however much it lacks another.
   */
  busyPercent: 50,
  loadWindowMs: 250,
  /** A turn of a shard on a processor while others wait for it: the least that Linux gives. */
  sliceNs: 100_000,
  /**
   * How long a shard runs before others come first though it has work: the kernel itself looks every 4 ms on many machines.
   * Measured: at 0.3 ms it passes fewer requests beside programs of other sessions; at 1 ms the slowest wait longer.
   */
  othersFirstAfterUs: 600,
  /** A listener's bound on flows is divided among shards where each gets so many: a smaller one is one shard's, and exact. */
  flowsPerShare: 64,
  /** One recv, and so what a flow holds of a direction while the other side takes no more. */
  copyBytes: 64 * 1024,
  /** A first message of so many bytes fits one segment on every path, and leaves whatever the socket's options. */
  untunedBytes: 512,
  /** A flow that lives longer gets the options of a long-lived one, keepalive above all. */
  tuneAfterMs: 5_000,
  /** Full reads in a row after which a direction is bulk and moves through a pipe. */
  bulkReads: 2,
  /** Small splices in a row after which it is bulk no more, and what counts as small. */
  smallSplices: 16,
  smallSpliceBytes: 16 * 1024,
  /** Asked for each pipe: the kernel's usual fs.pipe-max-size. */
  pipeBytes: 1024 * 1024,
  /** A pipe of less is slower than copying, and costs more: the kernel's usual size of one, and `copyBytes`. */
  leastPipeBytes: 64 * 1024,
  /** After a pipe of less, so many are asked for in vain before another is made: it takes 8 µs to make and close it. */
  lendsBetweenPipes: 32,
  pipesPerShard: 512,
  /** Flows that share one pipe where descriptors are few: most flows never move bulk. */
  flowsPerPipe: 8,
  sparePipesPerShard: 16,
  /** Bytes a direction may move before others have their turn. */
  bytesPerTurn: 1024 * 1024,
  /** Read from a side that takes nothing more: more than receive buffers hold, for a unix peer may only have stopped reading. */
  lastBytes: 32 * 1024 * 1024,
  /** Bytes that all flows may move before new events are looked for: some milliseconds' worth. */
  bytesPerPart: 8 * 1024 * 1024,
  /** Turns of a shard on the main thread in a row, after which whatever else that thread has to do has its turn. */
  turnsInARowMs: 10,
  /** Flows that a shard may have more than another before it leaves connections to that: few, for each may be a busy one. */
  flowsAhead: 2,
  /** Flows that a shard gives to a new one at once: telling of them takes the main thread some milliseconds. */
  flowsGivenAtOnce: 1_000,
  /** Turns for which it leaves them: a loaded shard's take milliseconds, in which the other has got to a processor. */
  turnsLeftToOthers: 32,
  /** How long the host's networks are taken for what they were: telling them costs milliseconds where they are many. */
  hostNetworksFreshMs: 1_000,
  /** Events taken from the kernel in one turn: 64 and fewer were slower with 256 busy connections. */
  eventsPerTurn: 256,
  /** Connections taken from one listener before others have their turn. */
  acceptsPerTurn: 32,
  /** Datagrams of one recvmmsg or sendmmsg, and batches of one socket before others have their turn. */
  datagramsPerBatch: 64,
  batchesPerTurn: 4,
  /** Datagrams of one message that the kernel cuts apart: UDP_MAX_SEGMENTS of every kernel so far, later ones allow more. */
  segmentsPerMessage: 64,
  /** Bytes of such a message: the largest payload that UDP over IPv4 has. */
  messageBytes: 65_507,
  /** What receiving and sending one message costs beside its bytes, counted in bytes of a stream that take as long. */
  messageWorth: 4 * 1024,
  /** How long flow ends may wait for a batch. */
  flowEndsDelayMs: 50,
  /** Between two tries to get a descriptor or a local port that was not to be had, if none is freed before. */
  scarcityRetryMs: 100,
  /** How long an open flow may lack room in epoll, or memory to send or receive while nothing else happens to it. */
  scarcityFlowMs: 30_000,
  /** A trouble that was told of is not told of again for so long. */
  troubleQuietMs: 10_000,
  /** How long the end of the process waits for a thread that has just been started: some ten times what that takes. */
  threadStartMs: 1_000,
  /** Failures within this time after which a shard is started anew only once the time is over. */
  shardRestarts: 5,
  shardRestartWindowMs: 10_000,
  /** Tries to serve a listener in a shard before it is given up, and the time between two of them. */
  serveTries: 5,
  serveRetryMs: 200,

  // --- targets -------------------------------------------------------------------------------------------------

  /** Between two look-ups of a name whose answer carries no TTL: getaddrinfo tells none. */
  dnsRefreshMs: 30_000,
  /** A TTL is kept within these: one of 0 is not asked for at every flow, and one of a day is no reason to miss a move. */
  dnsRefreshLeastMs: 1_000,
  dnsRefreshMostMs: 300_000,
  /** How long the DNS has to tell a TTL, which nobody waits for. */
  dnsTimeToLiveMs: 1_000,
  /** How long the start waits for a name's first answer: a resolver's usual own timeout. */
  dnsFirstAnswerMs: 5_000,
  /** After a look-up that failed. */
  dnsRetryMs: 2_000,
  /** Addresses of one name that a flow is dialled to. */
  addressesPerName: 16,
  /**
   * Between two looks at a network namespace that is led to or listened in: nothing tells of its end that Node could
   * wait for, and a look costs less than 10 µs. For so long a flow may stay in one that has gone; news in the sense of `newsMs`.
   */
  namespaceLookMs: 500,

  // --- the control socket ---------------------------------------------------------------------------------------

  /** Characters of an instance's name: with its folder and its socket's own name it has to fit sun_path (unix(7)). */
  instanceNameLength: 64,
  /** Tries to take a name, each lost only to another process that takes it or has just died holding it. */
  claimAttempts: 16,
  /** A folder of a start that never got as far as its name is swept when it is so old: a start takes far less. */
  unclaimedAgeMs: 60_000,
  /** Connections at once, which take from `descriptorsReserved`; more are closed at once. */
  controlConnections: 24,
  /** Those of them that may follow the access log. */
  logFollowers: 16,
  /** Bytes of a request's head, and of its body: 65,536 ports written out take about 2 MiB. */
  controlHeadBytes: 16 * 1024,
  controlBodyBytes: 4 * 1024 * 1024,
  /** For a request to arrive whole. */
  controlRequestMs: 5_000,
  /** Access records kept for whoever asks, about half a megabyte of them. */
  accessRecords: 1_024,
  /** Access records handed to a follower before it has to have taken them. */
  accessRecordsPerWrite: 64,
  /** Ports, or rows of ports, that sluice ls shows of one instance; past that, how many more there are. */
  portsShown: 20,
  /** How long a command waits for an instance's answer: one that is stopped (SIGSTOP) never gives one. */
  controlAnswerMs: 3_000,
  /** How long shell completion waits for one: a person sits before it. */
  completionAnswerMs: 1_000,
  // --- Docker --------------------------------------------------------------------------------------------------

  /** One request, connecting and waiting for a free connection among it; dockerd answers in milliseconds. */
  dockerRequestMs: 10_000,
  /** Connections at once: the stream of events has one, and many containers are looked at side by side. */
  dockerConnections: 5,
  /** The longest answer read, in bytes: a list of ten thousand containers takes about that. */
  dockerAnswerBytes: 16 * 1024 * 1024,
  /** The longest event read, in bytes: one carries all labels of its container. */
  dockerEventBytes: 1024 * 1024,
  /** How much of a refusal's reason is quoted, in characters. */
  dockerReasonLength: 300,
  /** The pause before a lost stream of events is opened again, at first and at most; it doubles. */
  dockerRetryMs: 100,
  dockerRetryMostMs: 5_000,
  /** Names told where there is no such container. */
  nearestNames: 3,
  /**
   * How long a container or a namespace that has just come is given until something listens in it; refused dials are
   * tried again meanwhile.
   */
  settlingMs: 10_000,
  /** The ports that -P publishes on: where Docker's own begin. */
  publishAllFirst: 49_000,
  publishAllLast: 49_900,

  // --- the drop-in for docker-proxy ------------------------------------------------------------------------------

  /** What dockerd is told on its pipe, in bytes: PIPE_BUF, which a pipe takes whole (pipe(7)). */
  dockerProxyMessageBytes: 4096,
  /** Descriptors kept free beside those open at its start: for pipes of bulk flows, and what Node opens later. */
  dockerProxySpareDescriptors: 8,
  /** Where a log is kept, how long its end may wait for every flow to be told of: that takes milliseconds, and dockerd waits. */
  dockerProxyCloseMs: 1_000,

  // --- the process ---------------------------------------------------------------------------------------------

  /** Time that flows have to finish once a stop was asked for. */
  drainTimeoutMs: 10_000,
  /** Log bytes kept for a reader that does not read; further records are dropped and counted. */
  logBufferBytes: 4 * 1024 * 1024,
  /** At the end of the process, how long the log's reader has to take the rest. */
  logFlushMs: 1_000,
  /** How soon a terminal that stands still is tried again: soon enough that nobody who goes on reading waits for it. */
  logRetryMs: 50,
} as const;

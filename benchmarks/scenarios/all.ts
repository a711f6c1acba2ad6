import { bulk } from './bulk.js';
import { churn } from './churn.js';
import { httpClose, httpKeepAlive } from './http.js';
import { idle } from './idle.js';
import { iperf3 } from './iperf3.js';
import { latency } from './latency.js';
import { mappings } from './mappings.js';
import type { Scenario } from './scenario.js';
import { start } from './start.js';
import { udp } from './udp.js';
import { wrkClose, wrkKeepAlive } from './wrk.js';

/** In the order of the run. */
export const allScenarios: readonly Scenario[] = [
  httpKeepAlive,
  httpClose,
  wrkKeepAlive,
  wrkClose,
  latency,
  churn,
  bulk,
  iperf3,
  udp,
  idle,
  start,
  mappings,
];

/** Those of `npm run bench:quick`: they need nothing but Node and what npm installs. */
export const quickScenarios: readonly Scenario[] = [httpKeepAlive, bulk, udp];

/** What the flows of one TCP listener in a shard share. */
import type { Counters } from '../../metrics/counters.js';
import type { CloseEvent } from '../close-table.js';
import type { WaitingFlow, WaitingLine } from '../waiting-line.js';
import type { PreparedRoute } from './prepared-route.js';
import type { Pump } from './pump.js';
import type { ShardContext } from './shard-context.js';

export interface TcpFlowHost<Flow extends WaitingFlow<number>> {
  readonly context: ShardContext;
  readonly pump: Pump;
  readonly counters: Counters;
  /** As it is now. */
  route: PreparedRoute;
  readonly line: WaitingLine<number, Flow>;
  /** Called once, after both sockets are closed. */
  readonly ended: (flow: Flow, event: CloseEvent, errno: number) => void;
}

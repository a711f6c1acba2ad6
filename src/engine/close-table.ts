/**
 * The close table: what happens to each side of a TCP flow when it ends, as data that every engine follows.
 *
 * A FIN does not end a flow. What its sender sent before it is delivered, then the FIN is passed on, and the other
 * direction stays open as long as it likes; only when both FINs have been passed on does `both-fins` happen.
 */

export type Side = 'client' | 'target';

/** What is done to a socket: `close` sends what is left and a FIN, `reset` a RST (linger 0). */
export type CloseAction = 'close' | 'reset';

export type FlowEndReason =
  | 'done'
  | 'client-reset'
  | 'target-reset'
  | 'target-refused'
  | 'target-unreachable'
  | 'connect-timeout'
  | 'target-gone'
  | 'idle-timeout'
  | 'flow-limit'
  | 'wait-limit'
  | 'drained'
  | 'internal-error';

export interface CloseRow {
  readonly client: CloseAction;
  readonly target: CloseAction;
  readonly reason: FlowEndReason;
  /** The side that failed; undefined where none did, or where sluice itself ended the flow. */
  readonly failed: Side | undefined;
}

/** A failed side's own socket is only closed: there is nobody left at its other end to be told. */
export const closeTable = {
  'both-fins': { client: 'close', target: 'close', reason: 'done', failed: undefined },
  'client-reset': { client: 'close', target: 'reset', reason: 'client-reset', failed: 'client' },
  'target-reset': { client: 'reset', target: 'close', reason: 'target-reset', failed: 'target' },
  // The dial events end a flow only once no further target address is left to dial, and its wait is over.
  'dial-refused': { client: 'reset', target: 'close', reason: 'target-refused', failed: 'target' },
  'dial-reset': { client: 'reset', target: 'close', reason: 'target-reset', failed: 'target' },
  'dial-unreachable': { client: 'reset', target: 'close', reason: 'target-unreachable', failed: 'target' },
  'dial-timeout': { client: 'reset', target: 'close', reason: 'connect-timeout', failed: 'target' },
  'wait-limit': { client: 'reset', target: 'close', reason: 'wait-limit', failed: undefined },
  // A close would leave the kernel to offer a FIN, for minutes, to an address that is nobody's.
  'target-gone': { client: 'reset', target: 'reset', reason: 'target-gone', failed: undefined },
  'idle-timeout': { client: 'reset', target: 'reset', reason: 'idle-timeout', failed: undefined },
  'flow-limit': { client: 'reset', target: 'close', reason: 'flow-limit', failed: undefined },
  'drain-grace-over': { client: 'reset', target: 'reset', reason: 'drained', failed: undefined },
  'internal-error': { client: 'reset', target: 'reset', reason: 'internal-error', failed: undefined },
} as const satisfies Record<string, CloseRow>;

export type CloseEvent = keyof typeof closeTable;

export type DialEvent = Extract<CloseEvent, `dial-${string}`>;

/** What a dial's errno means; any other errno is `dial-unreachable`. */
const dialEvents: Readonly<Record<string, DialEvent>> = {
  ECONNREFUSED: 'dial-refused',
  ECONNRESET: 'dial-reset',
  ETIMEDOUT: 'dial-timeout',
};

export function dialEventOf(errno: string | undefined): DialEvent {
  return dialEvents[errno ?? ''] ?? 'dial-unreachable';
}

/** Why a UDP association ended. */
export const associationEndReasons = [
  'expired',
  'evicted',
  'target-gone',
  'drained',
  'internal-error',
] as const;

export type AssociationEndReason = (typeof associationEndReasons)[number];

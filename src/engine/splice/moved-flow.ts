/**
 * A TCP flow on its way from one shard to another: plain data, since the other may be on another thread. What epoll told of
 * its sockets is not among it, for who registers them anew is told again (test/platform/epoll.test.ts). It has an age and
 * no times, since each thread has a clock of its own.
 */
import type { PreparedTarget } from './prepared-route.js';
import { Side } from './side.js';

/** A client's address, network order: one word for IPv4, as a plain number, which costs no memory of its own. */
export type ClientWords = number | Int32Array;

/** Of a side that owes nothing. */
export type MovedSide = Readonly<Pick<Side, 'descriptor' | 'urgent' | 'tuned' | 'sentTo' | 'received'>>;

export interface MovedFlow {
  readonly client: MovedSide;
  readonly target: MovedSide;
  readonly clientPort: number;
  readonly clientWords: ClientWords;
  readonly address: PreparedTarget | undefined;
  readonly ageMs: number;
  /** Of the route it was dialled by. */
  readonly idleTimeoutMs: number | undefined;
}

/** An open flow, of which nothing is under way. */
interface OpenFlow extends Pick<MovedFlow, 'clientPort' | 'clientWords' | 'address'> {
  readonly client: Side;
  readonly target: Side;
  readonly startedMs: number;
}

export function movedFlow(flow: OpenFlow, nowMs: number, idleTimeoutMs: number | undefined): MovedFlow {
  const { clientPort, clientWords, address } = flow;
  return {
    client: movedSide(flow.client),
    target: movedSide(flow.target),
    clientPort,
    clientWords,
    address,
    ageMs: nowMs - flow.startedMs,
    idleTimeoutMs,
  };
}

function movedSide({ descriptor, urgent, tuned, sentTo, received }: Side): MovedSide {
  return { descriptor, urgent, tuned, sentTo, received };
}

export function sideOf(moved: MovedSide): Side {
  return Object.assign(new Side(), moved);
}

export function descriptorsOf(flows: readonly MovedFlow[]): number[] {
  return flows.flatMap(({ client, target }) => [client.descriptor, target.descriptor]);
}

/**
 * A TCP flow on its way from one shard to another: plain data, since the other may be on another thread. What epoll told of
 * its sockets is not among it, for who registers them anew is told again (test/platform/epoll.test.ts). It has an age and
 * no times, since each thread has a clock of its own.
 */
import { unistd } from '../../sys/unistd.js';
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
}

export function movedSide({ descriptor, urgent, tuned, sentTo, received }: Side): MovedSide {
  return { descriptor, urgent, tuned, sentTo, received };
}

export function sideOf(moved: MovedSide): Side {
  return Object.assign(new Side(), moved);
}

export function descriptorsOf(flows: readonly MovedFlow[]): number[] {
  return flows.flatMap(({ client, target }) => [client.descriptor, target.descriptor]);
}

/** For flows that no shard has: nobody else closes their sockets. */
export function closeMoved(flows: readonly MovedFlow[]): void {
  const { close } = unistd();
  for (const descriptor of descriptorsOf(flows)) close(descriptor);
}

/**
 * The line of a listener's TCP flows that wait for their target: who waits, who is dialled next, whose time is over. Pure
 * bookkeeping on times it is given; both engines own one for each listener they accept from.
 *
 * A flow joins when it has failed at every address of the newest route, or that has none, and when others wait already.
 * It waits until `waitMs` after it was accepted. It keeps its place, by the time it was accepted, until it is open or has
 * ended; while it waits it is either idle or being dialled.
 *
 * Who is dialled: on a new route with addresses, and then every limits.waitRetryMs, the first idle flow. That one tries
 * the target for all: only when a dial has succeeded do the others follow, in order, limits.waitingDials at a time, so
 * that a target that refuses costs one dial a moment however many wait, and one that has just come is not flooded. So
 * its last failure is that of all who wait. Those to whom a new route leaves no time have their last try at once.
 *
 * Nothing is set to ring while nobody waits.
 */
import { formatEndpoint } from '../address/endpoint.js';
import { limits } from '../limits.js';
import type { Counters } from '../metrics/counters.js';
import { formatDuration } from '../publish/duration.js';
import type { CloseEvent } from './close-table.js';
import type { Listener } from './engine.js';

export interface WaitingFlow<Errno> {
  /** When it was accepted. */
  readonly startedMs: number;
  /** Dials the newest route, from its first address on. It must not throw. */
  dialAgain(): void;
  end(event: CloseEvent, errno?: Errno): void;
}

export interface WaitingLineHost {
  readonly counters: Counters;
  nowMs(): number;
  /** Calls `ring` at this time, once, in place of the one set before; Infinity: not at all. */
  ringAt(atMs: number): void;
  /** Told, in words that follow on the target's name, but not again and again while it lasts. */
  trouble(trouble: string): void;
}

/** What of a route the line looks at. */
export interface WaitingRoute {
  readonly waitMs: number;
  readonly targets: readonly unknown[];
  /** Flows in the line at once, when one joins: those there are stay where it becomes less. */
  readonly waitingFlows: number;
}

const troubles = {
  'wait-over': ({ waitMs }: WaitingRoute) =>
    `took no connection within ${formatDuration(waitMs)}: flows that waited for it so long are reset`,
  'wait-limit': ({ waitingFlows }: WaitingRoute) =>
    `is not there and ${waitingFlows} flows wait for it: further ones are reset`,
} as const;

type WaitingTrouble = keyof typeof troubles;

/** What a listener's line tells of, for the log. */
export function waitingTroubleText(trouble: string, { endpoint }: Pick<Listener, 'endpoint'>): string {
  return `the target of ${formatEndpoint(endpoint)} ${trouble}`;
}

interface Place<Flow> {
  readonly flow: Flow;
  dialling: boolean;
  before: Place<Flow> | undefined;
  behind: Place<Flow> | undefined;
}

export class WaitingLine<Errno, Flow extends WaitingFlow<Errno>> {
  readonly #host: WaitingLineHost;
  readonly #places = new Map<Flow, Place<Flow>>();
  #first: Place<Flow> | undefined = undefined;
  #last: Place<Flow> | undefined = undefined;
  /** How the last dial failed, and how those end whose time is over. */
  #failure: { readonly event: CloseEvent; readonly errno: Errno | undefined } = {
    event: 'dial-unreachable',
    errno: undefined,
  };
  #route: WaitingRoute;
  #dialling = 0;
  /** The last dial that was answered has succeeded. */
  #answers = false;
  #filling = false;
  #nextTryMs = 0;
  #ringAtMs = Number.POSITIVE_INFINITY;
  readonly #quietUntilMs: Record<WaitingTrouble, number> = {
    'wait-over': Number.NEGATIVE_INFINITY,
    'wait-limit': Number.NEGATIVE_INFINITY,
  };

  constructor(route: WaitingRoute, host: WaitingLineHost) {
    this.#route = route;
    this.#host = host;
  }

  get size(): number {
    return this.#places.size;
  }

  /** True where a flow that has just been accepted has others before it. */
  get hasPrecedence(): boolean {
    return this.#places.size > 0 && this.#route.waitMs > 0;
  }

  /** From now on flows dial this route. */
  setRoute(route: WaitingRoute): void {
    this.#route = route;
    if (this.#places.size === 0) return;
    this.#answers = false;
    this.#dialOverdue();
    if (route.targets.length > 0) this.#tryNext();
    this.#arm();
  }

  /** A flow has failed at every address: it waits for its next try, or this is its end. */
  failed(flow: Flow, event: CloseEvent, errno: Errno): void {
    const place = this.#places.get(flow);
    this.#answers = false;
    if (this.#isOverdue(flow)) {
      if (place !== undefined) this.#over();
      flow.end(event, errno);
      return;
    }
    this.#failure = { event, errno };
    if (place === undefined) {
      this.join(flow);
      return;
    }
    if (place.dialling) this.#dialling -= 1;
    place.dialling = false;
    this.#arm();
  }

  /** Puts a flow into the line, by the time it was accepted; past the bound it ends. */
  join(flow: Flow): void {
    if (this.#places.size >= this.#route.waitingFlows) {
      this.#host.counters.add('flowsOverWaitLimit');
      this.#tell('wait-limit');
      flow.end('wait-limit');
      return;
    }
    if (this.#places.size === 0) this.#nextTryMs = this.#host.nowMs() + limits.waitRetryMs;
    this.#host.counters.add('flowsWaited');
    this.#insert(flow);
    this.#arm();
  }

  /** A dial has succeeded. */
  opened(flow: Flow): void {
    this.#answers = true;
    this.left(flow);
    this.#fill();
  }

  /** A flow has ended, whether it was here or not. */
  left(flow: Flow): void {
    const place = this.#places.get(flow);
    if (place === undefined) return;
    if (place.dialling) this.#dialling -= 1;
    this.#remove(place);
    this.#arm();
  }

  /** Ends those whose time is over; then tries the target again, if it is time. */
  ring(): void {
    const nowMs = this.#host.nowMs();
    this.#ringAtMs = Number.POSITIVE_INFINITY;
    let idle = this.#firstIdle();
    while (idle !== undefined && this.#isOverdue(idle.flow)) {
      this.#remove(idle);
      this.#over();
      idle.flow.end(this.#failure.event, this.#failure.errno);
      idle = this.#firstIdle();
    }
    if (nowMs >= this.#nextTryMs && this.#route.targets.length > 0) this.#tryNext();
    this.#arm();
  }

  // --- who is dialled --------------------------------------------------------------------------------------------

  #tryNext(): void {
    this.#nextTryMs = this.#host.nowMs() + limits.waitRetryMs;
    const idle = this.#firstIdle();
    if (idle !== undefined && this.#dialling < limits.waitingDials) this.#dial(idle);
  }

  /** A dial that is answered on the spot comes back here: this loop goes on with it, so that none runs within it. */
  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    while (this.#answers && this.#dialling < limits.waitingDials) {
      const idle = this.#firstIdle();
      if (idle === undefined) break;
      this.#dial(idle);
    }
    this.#filling = false;
    this.#arm();
  }

  /** Who is answered on the spot leaves the line; none but itself does meanwhile. */
  #dialOverdue(): void {
    this.#filling = true;
    let place = this.#first;
    while (place !== undefined && this.#isOverdue(place.flow)) {
      const { behind } = place;
      if (!place.dialling) this.#dial(place);
      place = behind;
    }
    this.#filling = false;
  }

  #dial(place: Place<Flow>): void {
    place.dialling = true;
    this.#dialling += 1;
    place.flow.dialAgain();
  }

  // --- time ------------------------------------------------------------------------------------------------------

  #arm(): void {
    const atMs = this.#dueMs();
    if (atMs === this.#ringAtMs) return;
    this.#ringAtMs = atMs;
    this.#host.ringAt(atMs);
  }

  #dueMs(): number {
    const idle = this.#firstIdle();
    if (idle === undefined) return Number.POSITIVE_INFINITY;
    const overMs = idle.flow.startedMs + this.#route.waitMs;
    return this.#route.targets.length > 0 ? Math.min(overMs, this.#nextTryMs) : overMs;
  }

  #isOverdue(flow: Flow): boolean {
    return this.#host.nowMs() >= flow.startedMs + this.#route.waitMs;
  }

  #over(): void {
    this.#host.counters.add('waitsOver');
    this.#tell('wait-over');
  }

  #tell(trouble: WaitingTrouble): void {
    const nowMs = this.#host.nowMs();
    if (nowMs < this.#quietUntilMs[trouble]) return;
    this.#quietUntilMs[trouble] = nowMs + limits.troubleQuietMs;
    this.#host.trouble(troubles[trouble](this.#route));
  }

  // --- the line --------------------------------------------------------------------------------------------------

  #firstIdle(): Place<Flow> | undefined {
    if (this.#dialling === this.#places.size) return undefined;
    let place = this.#first;
    while (place?.dialling) place = place.behind;
    return place;
  }

  /** Nearly always behind the last: only a flow whose first dial took longer than another's goes before that. */
  #insert(flow: Flow): void {
    let before = this.#last;
    while (before !== undefined && before.flow.startedMs > flow.startedMs) before = before.before;
    const behind = before === undefined ? this.#first : before.behind;
    const place = { flow, dialling: false, before, behind };
    this.#places.set(flow, place);
    if (before === undefined) this.#first = place;
    else before.behind = place;
    if (behind === undefined) this.#last = place;
    else behind.before = place;
  }

  #remove({ flow, before, behind }: Place<Flow>): void {
    this.#places.delete(flow);
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
  }
}

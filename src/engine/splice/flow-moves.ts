/**
 * Flows of one service on their way from one shard to another, by way of the main thread: a shard is asked for some
 * (`give`) and gives them (`given`); the other is sent them (`take`) and says which it has no room for (`taken`); the first
 * is told of it (`moved`), and has those back. Until then all of them count there too, so that both together never have more
 * than their bounds.
 *
 * Their sockets are marked as one shard's at any time, so that they are closed if that shard dies: as the first one's until
 * `given` is heard here, then as the other's, and as the first one's again where they go back.
 */
import type { TargetAddress } from '../engine.js';
import type { MovedFlow } from './moved-flow.js';
import type { Command, HandedFlows } from './shard-messages.js';

export interface FlowMovesHost {
  /** False where the shard has ended. */
  send(shard: number, command: Command): boolean;
  /** The same for a command that carries flows: their sockets are the shard's from now on. */
  hand(shard: number, command: Command & HandedFlows): boolean;
  /** No shard has these flows, nor their sockets. */
  lost(flows: readonly MovedFlow[]): void;
}

interface Move {
  readonly from: number;
  readonly to: number;
  /** So many were given; 0 until that is heard, for a move of none ends there. */
  given: number;
  /** What has come to be nobody's since: neither shard had the flows when it was told. */
  readonly gone: TargetAddress[];
  /** Who gave them, or was to take them, has died: what is in its place now has no part in this. */
  giverDied: boolean;
  takerDied: boolean;
}

export class FlowMoves {
  readonly #service: number;
  readonly #host: FlowMovesHost;
  readonly #moves = new Set<Move>();
  /** Of each shard, how many more flows it has than it counts as begun and not ended. */
  readonly #takenOver = new Map<number, number>();
  #whenNone: (() => void)[] = [];

  constructor(service: number, host: FlowMovesHost) {
    this.#service = service;
    this.#host = host;
  }

  /** Asks a shard to give one in so many of its busy flows to another. */
  begin(from: number, to: number, oneIn: number): void {
    if (this.#find(from, to) !== undefined) return;
    const asked = this.#host.send(from, { kind: 'give', service: this.#service, oneIn, to });
    if (asked) this.#moves.add({ from, to, given: 0, gone: [], giverDied: false, takerDied: false });
  }

  /** A shard gave them. */
  given(from: number, to: number, flows: readonly MovedFlow[]): void {
    this.#count(from, -flows.length);
    this.#count(to, flows.length);
    const move = this.#find(from, to);
    if (move === undefined || flows.length === 0 || !this.#sendOn(move, flows)) this.taken(from, to, flows);
  }

  #sendOn(move: Move, flows: readonly MovedFlow[]): boolean {
    const { from, to, gone, takerDied } = move;
    move.given = flows.length;
    const command = { kind: 'take', service: this.#service, from, flows, gone: [...gone] } as const;
    return !takerDied && this.#host.hand(to, command);
  }

  /** The other has them, but for these: all of them where it does not serve them. */
  taken(from: number, to: number, back: readonly MovedFlow[]): void {
    this.#count(to, -back.length);
    const move = this.#find(from, to);
    if (move !== undefined && this.#sendBack(move, back)) this.#count(from, back.length);
    else if (back.length > 0) this.#host.lost(back);
    if (move !== undefined) this.#end(move);
  }

  #sendBack({ from, given, gone, giverDied }: Move, flows: readonly MovedFlow[]): boolean {
    const command = { kind: 'moved', service: this.#service, given, flows, gone: [...gone] } as const;
    return !giverDied && this.#host.hand(from, command);
  }

  /** These addresses are nobody's any more. */
  targetsGone(addresses: readonly TargetAddress[]): void {
    for (const { gone } of this.#moves) gone.push(...addresses);
  }

  /** A shard has died; gives how many more flows went with it than it counts as begun and not ended. */
  shardLost(shard: number): number {
    for (const move of this.#moves) {
      const isGiven = move.given > 0;
      if (move.from === shard) {
        move.giverDied = true;
        // What it had not given went with it.
        if (!isGiven) this.#end(move);
      } else if (move.to === shard) {
        move.takerDied = true;
        // What it was sent likewise.
        if (isGiven) this.taken(move.from, move.to, []);
      }
    }
    return this.#takenOver.get(shard) ?? 0;
  }

  get areUnderWay(): boolean {
    return this.#moves.size > 0;
  }

  /** Done when the last that is under way has ended. */
  none(): Promise<void> {
    return new Promise((resolve) => this.#whenNone.push(resolve));
  }

  #find(from: number, to: number): Move | undefined {
    for (const move of this.#moves) if (move.from === from && move.to === to) return move;
    return undefined;
  }

  #count(shard: number, flows: number): void {
    this.#takenOver.set(shard, (this.#takenOver.get(shard) ?? 0) + flows);
  }

  #end(move: Move): void {
    this.#moves.delete(move);
    if (this.#moves.size === 0) for (const done of this.#whenNone.splice(0)) done();
  }
}

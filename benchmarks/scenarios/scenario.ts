/**
 * A scenario is one kind of work, in one or more sizes. A size opens what it needs, is measured on its subjects in
 * turn, round after round, and closes everything again. The subjects are mostly peers.
 */
import type { Sizes } from '../bounds.js';
import type { Peer } from '../peers/peer.js';
import type { Protocol } from '../ports.js';
import type { Figure, Measured, Remark } from '../report.js';

export interface Subject {
  readonly name: string;
  /** A figure that cannot be said is absent, such as the CPU of a proxy that is not there. */
  measure(seconds: number): Promise<Measured>;
}

export interface OpenWork {
  readonly subjects: readonly Subject[];
  /** Peers that could not be started. */
  readonly failures: readonly Remark[];
  /** Peers that this work is not for. */
  readonly leftOut: readonly Remark[];
  close(): Promise<void>;
}

export interface Place {
  readonly peers: readonly Peer[];
  /** For configurations and pid files; removed at the end. */
  readonly folder: string;
}

export interface Work {
  readonly title: string;
  /** What the picture calls it; absent where it has no place there. */
  readonly label?: string;
  /** The first is the one that ratios are of. */
  readonly figures: readonly [Figure, ...Figure[]];
  /** The subject that the others are held against. */
  readonly reference: string;
  readonly warmUp: boolean;
  /** What takes long and hardly varies has fewer rounds. */
  readonly mostRounds?: number;
  /** For the estimate: how many subjects these peers make, and how long one takes, with what is around it. */
  subjectCount(peers: readonly Peer[]): number;
  secondsEach(seconds: number): number;
  open(place: Place): Promise<OpenWork>;
}

export interface Scenario {
  readonly name: string;
  readonly protocol: Protocol;
  /** What it lacks on this machine, in words; undefined where it can run. */
  missing(): string | undefined;
  works(sizes: Sizes): readonly Work[];
}

export const cpuFigure = (per: string): Figure => ({
  key: 'cpu',
  title: `CPU s per ${per}`,
  better: 'less',
  digits: 2,
});

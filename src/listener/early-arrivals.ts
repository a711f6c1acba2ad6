import { limits } from '../limits.js';

/**
 * Holds what reaches a listener between its bind and the start of forwarding, since Node hands it over whether
 * somebody is there to take it or not.
 */
export class EarlyArrivals<T> {
  readonly #discard: (arrival: T) => void;
  #held: T[] = [];
  #take: ((arrival: T) => void) | undefined;
  #dropped = 0;

  constructor(discard: (arrival: T) => void) {
    this.#discard = discard;
  }

  get dropped(): number {
    return this.#dropped;
  }

  arrive(arrival: T): void {
    if (this.#take !== undefined) {
      this.#take(arrival);
    } else if (this.#held.length < limits.earlyArrivals) {
      this.#held.push(arrival);
    } else {
      this.#dropped += 1;
      this.#discard(arrival);
    }
  }

  handTo(take: (arrival: T) => void): void {
    this.#take = take;
    for (const arrival of this.#held.splice(0)) take(arrival);
  }

  discardAll(): void {
    for (const arrival of this.#held.splice(0)) this.#discard(arrival);
  }
}

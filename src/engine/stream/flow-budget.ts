/** How many flows the process may have at once, shared by all services of an engine. */
export class FlowBudget {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get taken(): number {
    return this.#taken;
  }

  get spent(): boolean {
    return this.#taken >= this.#most;
  }

  take(): void {
    this.#taken += 1;
  }

  giveBack(): void {
    this.#taken -= 1;
  }
}

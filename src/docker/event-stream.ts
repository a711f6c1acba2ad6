/**
 * One stream of Docker's events for the whole process. It is opened again as long as it is wanted, with a growing pause;
 * after each time it opens everything has to be looked at anew, since what happened in between was told to nobody.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../limits.js';
import type { ContainerEvent } from './answers.js';
import type { EngineApi } from './engine-api.js';

export interface EventListener {
  /** From now on every event is told. */
  opened(): void;
  happened(event: ContainerEvent): void;
  /** It ended, or could not be opened again; told each time it fails. */
  lost(reason: unknown): void;
}

export class EventStream {
  readonly #api: EngineApi;
  readonly #listener: EventListener;
  readonly #closing = new AbortController();

  constructor(api: EngineApi, listener: EventListener) {
    this.#api = api;
    this.#listener = listener;
  }

  /**
   * Done when the stream is open.
   *
   * @throws SluiceError where it cannot be opened; it is not tried again then
   */
  async open(): Promise<void> {
    const events = await this.#api.events(this.#closing.signal);
    this.#listener.opened();
    void this.#follow(events);
  }

  close(): void {
    this.#closing.abort();
  }

  async #follow(first: AsyncIterable<ContainerEvent>): Promise<void> {
    let events: AsyncIterable<ContainerEvent> | undefined = first;
    while (!this.#closing.signal.aborted) {
      if (events !== undefined) await this.#tellAll(events);
      events = await this.#openAgain();
    }
  }

  async #tellAll(events: AsyncIterable<ContainerEvent>): Promise<void> {
    try {
      for await (const event of events) this.#listener.happened(event);
    } catch (error) {
      this.#lost(error);
    }
  }

  async #openAgain(): Promise<AsyncIterable<ContainerEvent> | undefined> {
    const { signal } = this.#closing;
    for (
      let waitMs: number = limits.dockerRetryMs;
      !signal.aborted;
      waitMs = Math.min(waitMs * 2, limits.dockerRetryMostMs)
    ) {
      // Rejected only where it is closed meanwhile.
      await pause(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return undefined;
      try {
        this.#api.forgetVersion();
        const events = await this.#api.events(signal);
        this.#listener.opened();
        return events;
      } catch (error) {
        this.#lost(error);
      }
    }
    return undefined;
  }

  #lost(reason: unknown): void {
    if (!this.#closing.signal.aborted) this.#listener.lost(reason);
  }
}

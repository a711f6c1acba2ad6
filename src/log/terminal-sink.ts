/**
 * A terminal as a destination for log lines that never holds up forwarding. Whoever presses Ctrl-S stops a terminal, and a
 * write that waits for it would stop everything on this thread.
 *
 * It is opened once more, to be written without blocking: what it does not take waits here, bounded, and is tried again
 * every so often. Setting the descriptor we were given would set it for all who share it, the shell among them.
 */
import { constants, openSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { limits } from '../limits.js';
import { waitAtMost } from '../wait-at-most.js';

export class TerminalSink {
  readonly #descriptor: number;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;
  #whenEmpty: () => void = () => undefined;

  /** @throws Error where this process may not open it again: no /proc, or another user's terminal */
  constructor(descriptor: number) {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    this.#descriptor = openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  }

  write(line: string): void {
    if (this.#bytes + line.length > limits.logBufferBytes) {
      this.#dropped += 1;
      return;
    }
    this.#keep(line);
    if (this.#retry === undefined) this.#send();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    await waitAtMost(limits.logFlushMs, empty);
    clearTimeout(this.#retry);
  }

  #keep(line: string): void {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  #send(): void {
    this.#retry = undefined;
    try {
      this.#sendAll();
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') {
        this.#retry = setTimeout(() => this.#send(), limits.logRetryMs);
        return;
      }
      // It was closed: there is nowhere left to tell it.
      this.#waiting = [];
      this.#bytes = 0;
    }
    this.#whenEmpty();
  }

  #sendAll(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const sent = writeSync(this.#descriptor, next);
      this.#bytes -= sent;
      if (sent === next.length) this.#waiting.shift();
      else this.#waiting[0] = next.subarray(sent);
      if (this.#waiting.length === 0 && this.#dropped > 0) this.#tellOfDrops();
    }
  }

  #tellOfDrops(): void {
    this.#keep(`${this.#dropped} log records were dropped: the terminal stood still\n`);
    this.#dropped = 0;
  }
}

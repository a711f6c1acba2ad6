/** What is being done and how long it will take still, on stderr. */
import { bench } from './bounds.js';

export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY;
  #begunMs = 0;
  #estimateSeconds = 0;
  #mostSeconds = Number.POSITIVE_INFINITY;
  #toldMs = Number.NEGATIVE_INFINITY;

  begin(estimateSeconds: number, mostSeconds: number | undefined): void {
    this.#begunMs = performance.now();
    this.#estimateSeconds = estimateSeconds;
    this.#mostSeconds = mostSeconds ?? Number.POSITIVE_INFINITY;
  }

  /** On a terminal one line that is written over, else a line now and then. */
  tell(text: string, done: number): void {
    const nowMs = performance.now();
    if (!this.#isTerminal && nowMs - this.#toldMs < bench.progressEveryMs) return;
    this.#toldMs = nowMs;
    const line = `${Math.floor(done * 100)} %, ${this.#left(done, nowMs)} left: ${text}`;
    process.stderr.write(this.#isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }

  /** By the pace so far, once that tells something. */
  #left(done: number, nowMs: number): string {
    const elapsed = (nowMs - this.#begunMs) / 1_000;
    const left = done < bench.paceIsKnownAt ? this.#estimateSeconds - elapsed : (elapsed * (1 - done)) / done;
    const seconds = Math.max(0, Math.round(Math.min(left, this.#mostSeconds - elapsed)));
    return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  }
}

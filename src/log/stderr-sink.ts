/**
 * stderr as a destination for log lines that never holds up forwarding, nor the end of the process.
 *
 * A pipe or a socket is written without blocking, since its reader may stop reading; what waits for it is bounded,
 * and further records are dropped, counted and told of once there is room again. Not by a write on the thread pool:
 * one that blocks there can be neither cancelled nor outlived, not even by process.exit. A file takes every write
 * at once; a terminal has a file of its own (terminal-sink.ts). A reader that went away, or a full disk, costs records only.
 */
import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import type { DestinationStream } from 'pino';
import { limits } from '../limits.js';
import { waitAtMost } from '../wait-at-most.js';
import { TerminalSink } from './terminal-sink.js';

export interface LogSink extends DestinationStream {
  /** Done when what was written is out, or when its reader took too long over it. */
  flush(): Promise<void>;
}

export function openSink(descriptor: number): LogSink {
  if (isatty(descriptor)) return terminalSink(descriptor);
  return mayBlock(descriptor) ? new PipeSink(descriptor) : fileSink(descriptor);
}

function terminalSink(descriptor: number): LogSink {
  try {
    return new TerminalSink(descriptor);
  } catch {
    return fileSink(descriptor);
  }
}

function mayBlock(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  return stat.isFIFO() || stat.isSocket();
}

function fileSink(descriptor: number): LogSink {
  return {
    write: (line) => {
      try {
        writeSync(descriptor, line);
      } catch {
        // There is nowhere left to tell it.
      }
    },
    flush: () => Promise.resolve(),
  };
}

class PipeSink implements LogSink {
  readonly #pipe: Socket;
  #dropped = 0;
  #corked = false;

  constructor(descriptor: number) {
    this.#pipe = new Socket({ fd: descriptor, readable: false, writable: true });
    this.#pipe.on('error', () => undefined);
    this.#pipe.on('drain', () => this.#tellOfDrops());
  }

  write(line: string): void {
    if (this.#pipe.destroyed) return;
    if (this.#pipe.writableLength + line.length > limits.logBufferBytes) {
      this.#dropped += 1;
      return;
    }
    this.#corkForThisTurn();
    this.#pipe.write(line);
  }

  flush(): Promise<void> {
    const flushed = new Promise<void>((resolve) => {
      this.#pipe.once('close', resolve);
      // Not end(): that would close stderr, and an error may still have to be told there.
      this.#pipe.write('', () => resolve());
    });
    // Nothing pending is left behind, since it would keep the process.
    return waitAtMost(limits.logFlushMs, flushed, () => this.#pipe.destroy());
  }

  /** The lines of one turn leave in one system call. */
  #corkForThisTurn(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#pipe.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#pipe.uncork();
    });
  }

  #tellOfDrops(): void {
    if (this.#dropped === 0) return;
    const msg = `${this.#dropped} log records were dropped: stderr was not read`;
    this.#dropped = 0;
    this.write(`${JSON.stringify({ level: 40, time: new Date().toISOString(), msg })}\n`);
  }
}

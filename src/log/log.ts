/** The process's log on stderr: JSON lines for machines, coloured lines for a terminal. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { limits } from '../limits.js';
import type { LogLevel } from './log-level.js';

export interface LogOptions {
  readonly level: LogLevel;
  /** What the lines are marked with: the instance. */
  readonly name: string;
  /** Lines for a person, in colour where the terminal has it and NO_COLOR does not forbid it. */
  readonly terminal: boolean;
}

export interface Log {
  readonly logger: Logger;
  /** Done when what was logged is written out, or when its reader took too long over it. */
  flush(): Promise<void>;
}

const stderrDescriptor = 2;

export async function openLog({ level, name, terminal }: LogOptions): Promise<Log> {
  const options = { level, base: { instance: name }, timestamp: pino.stdTimeFunctions.isoTime };
  if (terminal) {
    const { prettyStream } = await import('./pretty-stream.js');
    return {
      logger: pino(options, prettyStream(process.stderr, process.stderr.hasColors())),
      flush: () => Promise.resolve(),
    };
  }
  // Not synchronous: a reader that is slow must not hold up forwarding. What it cannot take is bounded.
  const destination = pino.destination({
    dest: stderrDescriptor,
    sync: false,
    maxLength: limits.logBufferBytes,
  });
  return { logger: pino(options, tellingOfDrops(destination)), flush: () => flushed(destination) };
}

type Destination = ReturnType<typeof pino.destination>;

/** Records dropped for a reader that does not read are counted, and told of once there is room again. */
function tellingOfDrops(destination: Destination): DestinationStream {
  let dropped = 0;
  destination.on('drop', () => {
    dropped += 1;
  });
  destination.on('drain', () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    destination.write(
      `${JSON.stringify({ level: 40, time: new Date().toISOString(), msg: `${count} log records were dropped: stderr was not read` })}\n`,
    );
  });
  return destination;
}

/** Not flushSync: it overtakes a write that is under way. */
function flushed(destination: Destination): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(resolve, limits.logFlushMs);
    destination.flush(() => {
      clearTimeout(giveUp);
      resolve();
    });
  });
}

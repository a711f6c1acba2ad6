/** The process's log on stderr: JSON lines for machines, coloured lines for a terminal. */
import { type Logger, pino } from 'pino';
import type { LogLevel } from './log-level.js';
import { openSink } from './stderr-sink.js';

export interface LogOptions {
  readonly level: LogLevel;
  /** What the lines are marked with: the instance. */
  readonly name: string;
  /** Lines for a person, in colour where the terminal has it and NO_COLOR does not forbid it. */
  readonly terminal: boolean;
}

export interface Log {
  readonly logger: Logger;
  /** Ends the log: done when what was logged is written out, or when its reader took too long over it. */
  flush(): Promise<void>;
}

const stderrDescriptor = 2;

export async function openLog({ level, name, terminal }: LogOptions): Promise<Log> {
  const options = { level, base: { instance: name }, timestamp: pino.stdTimeFunctions.isoTime };
  if (terminal) {
    // A terminal that was closed is no reason to stop forwarding.
    process.stderr.on('error', () => undefined);
    const { prettyStream } = await import('./pretty-stream.js');
    return {
      logger: pino(options, prettyStream(process.stderr, process.stderr.hasColors())),
      flush: () => Promise.resolve(),
    };
  }
  const sink = openSink(stderrDescriptor);
  return { logger: pino(options, sink), flush: () => sink.flush() };
}

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
  const sink = openSink(stderrDescriptor);
  if (terminal) {
    const { prettyStream } = await import('./pretty-stream.js');
    const pretty = prettyStream(sink, process.stderr.hasColors());
    return { logger: pino(options, pretty), flush: () => sink.flush() };
  }
  return { logger: pino(options, sink), flush: () => sink.flush() };
}

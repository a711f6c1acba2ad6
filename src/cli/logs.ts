/** `sluice logs`: the access log of an instance, as it would be on its own terminal. */
import { createInterface } from 'node:readline';
import { findInstance } from '../admin/instances.js';
import { errnoOf, printable, SluiceError } from '../errors.js';
import { onStdoutFault } from './print-answer.js';
import { tellError } from './tell-error.js';

export interface LogsOptions {
  readonly name: string;
  readonly follow: boolean;
  readonly tail: string;
}

export async function logs({ name, follow, tail }: LogsOptions): Promise<void> {
  const count = tailOf(tail);
  const instance = await findInstance(name);
  const response = await instance.logs({ tail: count, follow });
  const { stdout } = process;
  onStdoutFault((fault) => {
    process.exitCode = tellError(fault);
  });
  stdout.on('error', () => response.destroy());
  const print = await printerFor(stdout);
  try {
    for await (const line of createInterface({ input: response })) {
      if (!print(`${line}\n`)) await new Promise((resolve) => stdout.once('drain', resolve));
    }
  } catch (error) {
    if (!stdout.destroyed && response.destroyed && errnoOf(error) !== 'ECONNRESET') throw error;
  }
}

async function printerFor(stdout: NodeJS.WriteStream): Promise<(line: string) => boolean> {
  if (!stdout.isTTY) return (line) => stdout.write(line);
  const { prettyStream } = await import('../log/pretty-stream.js');
  const stream = prettyStream(stdout, stdout.hasColors());
  return (line) => {
    stream.write(line);
    return true;
  };
}

function tailOf(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SluiceError('SLUICE_USAGE', `--tail ${printable(text)}: it must be a whole number, or all`);
}

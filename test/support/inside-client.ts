/** Questions to ports inside a dockerd's network, asked by one process that has joined it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Dockerd } from './dockerd.js';
import type { Answer, Question } from './probe.js';

export interface InsideClient {
  /** What comes back for a text that is sent, or the errno of what failed. */
  ask(host: string, port: number, text?: string, protocol?: 'tcp' | 'udp'): Promise<string>;
  close(): Promise<void>;
}

export function openInsideClient(dockerd: Dockerd): InsideClient {
  const probe = fileURLToPath(new URL('./probe.js', import.meta.url));
  const [command, args] = dockerd.inside(process.execPath, probe, 'answer');
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map<number, (text: string) => void>();
  let next = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, text } = JSON.parse(line) as Answer;
    waiting.get(id)?.(text);
    waiting.delete(id);
  });
  return {
    ask: (host, port, text = 'hello', protocol = 'tcp') => {
      const question: Question = { id: next++, protocol, host, port, text };
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return new Promise((resolve) => waiting.set(question.id, resolve));
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

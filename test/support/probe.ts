/**
 * A client in another network namespace: `node probe.js`, joined to it by whoever starts it. It reads questions, one
 * JSON object a line, and answers each with its id.
 */
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface Question {
  readonly id: number;
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  readonly text: string;
}

export interface Answer {
  readonly id: number;
  /** What came back, or the errno of what failed. */
  readonly text: string;
}

/** A question that has no answer in this time is told as `timeout`. */
const deadlineMs = 3_000;

/** Sends the text and a FIN, and gives everything up to the other FIN. */
function askTcp({ host, port, text }: Question): Promise<string> {
  return new Promise((resolve) => {
    let came = '';
    const socket = connect({ host, port, allowHalfOpen: true });
    socket.setTimeout(deadlineMs, () => {
      socket.destroy();
      resolve('timeout');
    });
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      came += chunk;
    });
    socket.on('end', () => resolve(came));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.end(text);
  });
}

/** Sends one datagram and gives the first that comes back. */
function askUdp({ host, port, text }: Question): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end('timeout'), deadlineMs);
    const end = (answer: string) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    socket.once('message', (datagram) => end(datagram.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => end(String(error.code)));
    socket.connect(port, host, () => socket.send(text));
  });
}

if (process.argv[2] === 'answer') {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const question = JSON.parse(line) as Question;
    const text = await (question.protocol === 'tcp' ? askTcp(question) : askUdp(question));
    const answer: Answer = { id: question.id, text };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}

/** Raw requests on a control socket. */
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Instances } from './instances.js';
import type { Scope } from './scope.js';
import { withDeadline } from './until.js';

export interface ControlAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly allow: string | undefined;
  readonly text: string;
}

/** The one socket of an instance. */
export function socketOf({ folder }: Instances, name: string): string {
  return join(folder, name, readdirSync(join(folder, name))[0] ?? '');
}

export async function controlRequest(
  socketPath: string,
  method: string,
  path: string,
  body?: string | Buffer,
): Promise<ControlAnswer> {
  const answered = new Promise<ControlAnswer>((resolve, reject) => {
    const asking = request({ socketPath, method, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const { 'content-type': type, allow } = response.headers;
        resolve({ status: response.statusCode ?? 0, type, allow, text });
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
  return withDeadline(answered, () => `${method} ${path} was not answered`);
}

/** Sends bytes, with a FIN or without, and gives what came back until the connection ended. */
export async function rawExchange(
  scope: Scope,
  socketPath: string,
  bytes: Buffer | string,
  then: 'end' | 'wait' = 'end',
): Promise<string> {
  const socket = connect(socketPath);
  scope.onEnd(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  if (then === 'end') socket.end(bytes);
  else socket.write(bytes);
  await withDeadline(closed, () => `the connection stayed open; it said ${JSON.stringify(text)}`);
  return text;
}

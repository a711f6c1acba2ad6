/** A TCP address that answers nothing: its accept queue is full, so the kernel drops further SYNs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TargetAddress } from '../../src/engine/engine.js';
import type { Scope } from './scope.js';
import { endpointOf } from './tcp-peers.js';
import { settled } from './until.js';

/** A queue of 1 holds two connections; more than that are left without an answer. */
const listenerProgram = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.stdout.write(server.address().port + '\\n'));
`;
const fillers = 6;

type IpTarget = Extract<TargetAddress, { kind: 'ip' }>;

export async function silentTarget(scope: Scope): Promise<IpTarget> {
  const child = spawn(process.execPath, ['-e', listenerProgram], { stdio: ['ignore', 'pipe', 'inherit'] });
  scope.onEnd(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const address = endpointOf('127.0.0.1', Number(line.toString()));
  // Stopped, it accepts nothing, and whatever connects stays in the queue until that is full.
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  let connected = 0;
  for (let index = 0; index < fillers; index += 1) {
    const socket = connect({ host: address.ip.text, port: address.port }, () => {
      connected += 1;
    });
    socket.on('error', () => undefined);
    sockets.push(socket);
  }
  scope.onEnd(() => {
    for (const socket of sockets) socket.destroy();
  });
  await settled('the accept queue', () => connected, 100);
  if (connected === fillers) throw new Error('the accept queue did not fill');
  return { kind: 'ip', ...address };
}

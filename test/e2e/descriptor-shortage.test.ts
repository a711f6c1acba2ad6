/** The executable with hardly any descriptors. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { SluiceProcess, sluicePath } from '../support/sluice-process.js';
import { endpointOf, readAll, tcpClient, tcpServer } from '../support/tcp-peers.js';

const clientCount = 200;

describeWhere(process.platform === 'linux', 'not Linux', 'sluice short of descriptors', () => {
  const scope = useScope();

  test.each([40, 64])('serves each of 200 clients in the end, with at most %d open files', async (most) => {
    const server = await tcpServer(scope, '127.0.0.1', (socket) => socket.pipe(socket));
    if (server.address.kind !== 'ip') throw new Error('unreachable');
    const { port } = server.address;
    const run = ['run', '--engine', 'splice', '-p', `127.0.0.1::${port}`, '127.0.0.1'];
    const limited = `ulimit -n ${most} && exec "$0" "$@"`;
    const child = spawn('sh', ['-c', limited, process.execPath, sluicePath, ...run], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    scope.onEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
    const sluice = new SluiceProcess(child, false);
    await sluice.printed(1);
    const clients = Array.from({ length: clientCount }, () =>
      tcpClient(scope, endpointOf('127.0.0.1', sluice.port())),
    );
    const answers = clients.map(async (client, index) => {
      client.end(`client ${index}`);
      return (await readAll(client)).toString();
    });
    expect(await Promise.all(answers)).toEqual(clients.map((_, index) => `client ${index}`));
    const ends = await sluice.flowsLogged(clientCount);
    expect(new Set(ends.map(({ reason }) => reason))).toEqual(new Set(['done']));
    const warnings = sluice.stderr.split('\n').filter((line) => /EMFILE/.test(line));
    expect(warnings.length).toBeLessThanOrEqual(2);
    expect((await sluice.stop()).code).toBe(0);
  });
});

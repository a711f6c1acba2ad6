/** What a target said before it was reset, or closed, while its client was still sending. */
import { expect, test } from '@jest/globals';
import { Errno } from '../../../src/sys/errno.js';
import { AF_INET, SHUT_WR, SOCK_STREAM } from '../../../src/sys/socket.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { temporaryFolder } from '../../support/folder.js';
import { describeWhere } from '../../support/machine.js';
import { RawSockets } from '../../support/raw-sockets.js';
import { useScope } from '../../support/scope.js';
import { endpointOf } from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

const answerBytes = 6;

describeWhere(process.platform === 'linux', 'not Linux', 'the splice engine', () => {
  const scope = useScope();

  /**
   * A flow between sockets of the test's own, and an engine that has its turns on the test's thread: what the test does in
   * one go, the engine sees in one turn.
   */
  async function openFlow(kind: 'tcp' | 'unix') {
    const raw = new RawSockets(scope);
    const rig = startRig(scope, spliceEngine(0));
    const { listener, target } = kind === 'tcp' ? overTcp(raw) : overUnix(raw);
    const { endpoint } = await rig.serve('tcp', '127.0.0.1', [target]);
    const client = raw.socket(AF_INET, SOCK_STREAM);
    raw.connect(client, endpoint.port);
    await until('the dial', () => raw.awaits(listener));
    return { raw, rig, client, accepted: raw.accept(listener) };
  }

  function overTcp(raw: RawSockets) {
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    return { listener: descriptor, target: { kind: 'ip', ...endpointOf('127.0.0.1', port) } as const };
  }

  function overUnix(raw: RawSockets) {
    const path = `${temporaryFolder(scope)}/target.sock`;
    return { listener: raw.unixListener(path, 16), target: { kind: 'unix', path } as const };
  }

  test('delivers an answer that a reset follows at once, then resets', async () => {
    const { raw, rig, client, accepted } = await openFlow('tcp');
    raw.send(client, 4);
    await until('a question that is not read', () => raw.waiting(accepted) > 0);
    // First, so that it is what the engine hears of first. Closing while there is something to read is a reset.
    raw.send(client, 4);
    raw.send(accepted, answerBytes);
    raw.close(accepted);
    await until('the answer', () => raw.recv(client, 100) === answerBytes);
    expect([raw.recv(client, 100), raw.sys.errno()]).toEqual([-1, Errno.ECONNRESET]);
    expect(await rig.nextEnd()).toMatchObject({
      ...{ reason: 'target-reset', error: 'ECONNRESET', bytesOut: answerBytes },
    });
  });

  test.each(['tcp', 'unix'] as const)(
    'delivers an answer over %s whose FIN the client’s next words cross, and ends in order',
    async (kind) => {
      const { raw, rig, client, accepted } = await openFlow(kind);
      raw.send(client, 4);
      raw.send(accepted, answerBytes);
      raw.close(accepted);
      await until('the answer', () => raw.recv(client, 100) === answerBytes);
      await until('the FIN', () => raw.recv(client, 100) === 0);
      raw.send(client, 4);
      raw.sys.shutdown(client, SHUT_WR);
      expect(await rig.nextEnd()).toMatchObject({ reason: 'done', bytesOut: answerBytes });
    },
  );
});

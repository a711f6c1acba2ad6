/** What sluice believes of congestion controls: sockets are given one by name, and have it from their listener. */
import { expect, test } from '@jest/globals';
import { congestionControlOf, takePacingOff } from '../../src/sys/pacing.js';
import { AF_INET, SOCK_STREAM } from '../../src/sys/socket.js';
import { describeWhere } from '../support/machine.js';
import { RawSockets } from '../support/raw-sockets.js';
import { useScope } from '../support/scope.js';

describeWhere(process.platform === 'linux', 'not Linux', 'the kernel', () => {
  const scope = useScope();

  test('keeps through its connect what a socket was given before', () => {
    const raw = new RawSockets(scope);
    const { port } = raw.listener(SOCK_STREAM);
    const client = raw.socket(AF_INET, SOCK_STREAM);
    expect(takePacingOff(client)).toBe(true);
    raw.connect(client, port);
    expect(congestionControlOf(client)).toBe('cubic');
  });

  test('gives an accepted socket what its listener was given, while it listened already', () => {
    const raw = new RawSockets(scope);
    const { descriptor, port } = raw.listener(SOCK_STREAM);
    expect(takePacingOff(descriptor)).toBe(true);
    raw.connect(raw.socket(AF_INET, SOCK_STREAM), port);
    expect(congestionControlOf(raw.accept(descriptor))).toBe('cubic');
  });

  test('tells of none, and takes none, where a descriptor is no TCP socket', () => {
    const [pipe] = new RawSockets(scope).pipe();
    expect(congestionControlOf(pipe)).toBe('');
    expect(takePacingOff(pipe)).toBe(false);
  });
});

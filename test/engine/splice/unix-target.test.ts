/** A unix target has a path to be told of, and may pass descriptors, at which a read stops short. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { openSyscalls } from '../../../src/engine/splice/syscalls.js';
import { checked } from '../../../src/sys/errno.js';
import { mapRegion, unmapRegion } from '../../../src/sys/mman.js';
import { writeSockaddrUn } from '../../../src/sys/sockaddr.js';
import {
  AF_UNIX,
  mmsghdr,
  msghdr,
  SHUT_WR,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  SOL_SOCKET,
} from '../../../src/sys/socket.js';
import { startRig } from '../../conformance/rig.js';
import { spliceEngine } from '../../conformance/splice-under-test.js';
import { temporaryFolder } from '../../support/folder.js';
import { useScope } from '../../support/scope.js';
import { echo, readAll, readExactly, tcpClient, tcpServer } from '../../support/tcp-peers.js';
import { until } from '../../support/until.js';

const scope = useScope();
const rounds = 30;
const SCM_RIGHTS = 1;
const SOCK_NONBLOCK = 0o4000;

test('what follows a message with a descriptor is carried, up to the FIN', async () => {
  const sys = openSyscalls();
  const region = mapRegion(8192);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const path = join(folder, 'target.sock');
  const listener = checked('socket', sys.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  scope.onEnd(() => {
    sys.close(listener);
    unmapRegion(region);
    rmSync(folder, { recursive: true });
  });
  checked(
    'bind',
    sys.bind(listener, region.address, writeSockaddrUn(new Uint8Array(region.buffer), 0, path)),
  );
  checked('listen', sys.listen(listener, 16));
  const rig = startRig(scope, spliceEngine(1));
  const { endpoint } = await rig.serve('tcp', '127.0.0.1', [{ kind: 'unix', path }]);
  for (let round = 0; round < rounds; round += 1) {
    const client = tcpClient(scope, endpoint);
    let accepted = -1;
    await until('a connection', () => {
      accepted = sys.accept4(listener, 0, 0, SOCK_CLOEXEC);
      return accepted >= 0;
    });
    layOut(region.address, region.buffer, accepted);
    checked('sendmmsg', sys.sendmmsg(accepted, region.address, 2, 0));
    sys.shutdown(accepted, SHUT_WR);
    const received = await readAll(client);
    expect(received.length).toBe(200);
    client.destroy();
    sys.close(accepted);
  }
});

test.each([0, 2])('with %d threads, the path of each is told, also as its service goes', async (shards) => {
  const rig = startRig(scope, spliceEngine(shards));
  const paths = ['first', 'second'].map((name) => join(temporaryFolder(scope), name));
  for (const path of paths) {
    const server = await tcpServer(scope, `unix:${path}`, echo);
    const { endpoint, service } = await rig.serve('tcp', '127.0.0.1', [server.address]);
    const client = tcpClient(scope, endpoint);
    client.write('x');
    await readExactly(client, 1);
    await service.close();
    expect(await rig.nextEnd()).toMatchObject({ reason: 'drained', target: { kind: 'unix', path } });
  }
});

/** Two messages of 100 bytes, the first with a descriptor. */
function layOut(address: number, buffer: ArrayBuffer, descriptor: number): void {
  const view = new DataView(buffer);
  new Uint8Array(buffer).fill(0);
  for (const index of [0, 1]) {
    const header = index * mmsghdr.bytes;
    const vector = 256 + 16 * index;
    view.setBigUint64(header + msghdr.iov, BigInt(address + vector), true);
    view.setUint32(header + msghdr.iovLength, 1, true);
    view.setBigUint64(vector, BigInt(address + 4096), true);
    view.setUint32(vector + 8, 100, true);
  }
  view.setBigUint64(msghdr.control, BigInt(address + 512), true);
  view.setUint32(msghdr.controlLength, 24, true);
  view.setUint32(512, 20, true);
  view.setInt32(520, SOL_SOCKET, true);
  view.setInt32(524, SCM_RIGHTS, true);
  view.setInt32(528, descriptor, true);
}

/** Clients that come before their target: a name that nobody has yet, and then somebody has. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { describeWhere } from '../support/machine.js';
import { useScope } from '../support/scope.js';
import { runSluice } from '../support/sluice-process.js';
import { dial, echo, ending, endpointOf, exchange, listenTcp } from '../support/tcp-peers.js';
import { echo as echoDatagram, udpPeer } from '../support/udp-peers.js';
import { withDeadline } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

const name = 'late.sluice-test.invalid';
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const withOwnNames =
  'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"';

/** Runs in a mount namespace with a hosts file of its own, and no resolver that would answer. */
function ownNames() {
  const folder = temporaryFolder(scope);
  const [hosts, resolver] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  writeFileSync(hosts, '127.0.0.1 localhost\n');
  writeFileSync(resolver, 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n');
  const within = (command: string, ...args: readonly string[]): [string, string[]] => [
    'unshare',
    ['--mount', 'sh', '-c', withOwnNames, 'sh', hosts, resolver, command, ...args],
  ];
  return { within, add: (line: string) => appendFileSync(hosts, `${line}\n`) };
}

describeWhere(mayMount, 'no right to make a mount namespace', 'a name that nobody has yet', () => {
  describe.each(['splice', 'stream'])('with the %s engine', (engine) => {
    const run = async (...args: string[]) => {
      const { within, add } = ownNames();
      const sluice = await runSluice(scope, ['--engine', engine, ...args, name], 1, { within });
      await sluice.logged(({ msg }) => String(msg).startsWith(`cannot resolve ${name}: `));
      return { sluice, add };
    };

    it('has TCP clients wait, and every one of them is served when it comes', async () => {
      const target = await listenTcp(scope, echo);
      const { sluice, add } = await run('-p', `127.0.0.1::${target}`);
      const clients = await Promise.all(Array.from({ length: 50 }, () => dial(scope, sluice.port())));
      const answers = Promise.all(clients.map((client, index) => exchange(client, `client ${index}`)));
      add(`127.0.0.1 ${name}`);
      expect(await answers).toEqual(clients.map((_, index) => `client ${index}`));
      await sluice.logged(({ msg }) => msg === `${name} resolves again: 127.0.0.1`);
      const flows = await sluice.flowsLogged(50);
      expect(new Set(flows.map(({ reason }) => reason))).toEqual(new Set(['done']));
    });

    it("keeps a UDP client's datagrams, and sends them in order when it comes", async () => {
      const target = await udpPeer(scope, '127.0.0.1', echoDatagram);
      const { sluice, add } = await run('-p', `127.0.0.1::${target.endpoint.port}/udp`);
      const client = await udpPeer(scope, '127.0.0.1');
      const texts = ['one', 'two', 'three'];
      for (const text of texts) client.send(text, endpointOf('127.0.0.1', sluice.port()));
      add(`127.0.0.1 ${name}`);
      for (const text of texts) {
        const { datagram } = await withDeadline(client.next(), () => `no answer to ${text}`);
        expect(datagram.toString()).toBe(text);
      }
    });

    it('that never comes: a flow is reset when its wait is over, and that is said', async () => {
      const { sluice } = await run('-p', '127.0.0.1::80', '--wait', '300ms');
      expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
      expect(await sluice.flowLogged()).toMatchObject({ reason: 'target-unreachable', target: null });
      await sluice.logged(({ msg }) => /took no connection within 300ms/.test(String(msg)));
    });

    it('does not keep a process that is told to stop, nor flows past the grace', async () => {
      const target = await listenTcp(scope, echo);
      const file = join(temporaryFolder(scope), 'mappings.json');
      const mappings = [
        { to: name, ports: ['127.0.0.1::80'], wait: '1h' },
        { to: '127.0.0.1', ports: [`127.0.0.1::${target}`] },
      ];
      writeFileSync(file, JSON.stringify({ mappings }));
      const { within } = ownNames();
      const args = ['--engine', engine, '--drain-timeout', '300ms', '--config', file];
      const sluice = await runSluice(scope, args, 2, { within });
      const client = await dial(scope, sluice.port());
      // Who came after it has been served: then it was accepted, and waits.
      expect(await exchange(await dial(scope, sluice.port(1)), 'meanwhile')).toBe('meanwhile');
      sluice.signal('SIGTERM');
      expect(await ending(client)).toBe('reset');
      await sluice.flowLogged('drained');
      expect(await sluice.ended()).toEqual({ code: 0, signal: null });
    });
  });
});

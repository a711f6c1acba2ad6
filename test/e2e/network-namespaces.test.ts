/** The executable leading into network namespaces, and listening inside them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder.js';
import { describeWhere } from '../support/machine.js';
import {
  echoInside,
  type NetworkNamespace,
  networkNamespace,
  talkInside,
  whyNoNamespaces,
} from '../support/namespaces.js';
import { useScope } from '../support/scope.js';
import {
  runSluice,
  type SluiceProcess,
  sluiceOutput,
  sluicePath,
  spawnSluice,
} from '../support/sluice-process.js';
import { dial, ending, exchange, listenTcp, readExactly } from '../support/tcp-peers.js';
import { udpPeer } from '../support/udp-peers.js';
import { until } from '../support/until.js';

const why = whyNoNamespaces();
const lineOf = (text: string) => (record: Readonly<Record<string, unknown>>) =>
  String(record['msg']).includes(text);

describeWhere(why === undefined, why ?? '', 'sluice, leading into a network namespace', () => {
  const scope = useScope();
  const greet = async (sluice: SluiceProcess, text = 'hello') =>
    exchange(await dial(scope, sluice.port()), text);

  test.each([
    ['127.0.0.1', (path: string) => `netns:${path}`],
    ['::1', (path: string) => `[::1]@netns:${path}`],
  ])('by its path, to %s', async (host, targetOf) => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, host);
    const specs = ['-p', `127.0.0.1::${port}`, '-p', `127.0.0.1::${port}/udp`];
    const sluice = await runSluice(scope, [...specs, targetOf(blue.path)], 2);
    expect(await greet(sluice)).toBe('hello');
    expect(await sluice.flowLogged()).toMatchObject({
      mapping: targetOf(blue.path).replace(/[[\]]/g, ''),
      target: host === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`,
      reason: 'done',
    });
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('datagram', { ip: { family: 4, text: '127.0.0.1' }, port: sluice.port(1) });
    expect(String((await client.next()).datagram)).toBe('datagram');
    expect((await sluice.stop()).code).toBe(0);
  });

  test('by one of the processes inside; once that has ended its flows are reset, and nobody takes its place', async () => {
    const server = await echoInside(scope, undefined, '127.0.0.1');
    const sluice = await runSluice(scope, [
      ...['-p', `127.0.0.1::${server.port}`],
      `netns:pid:${server.pid}`,
    ]);
    expect(await greet(sluice)).toBe('hello');
    await server.end();
    await sluice.logged(lineOf('has ended and will not come back'));
    expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
    expect(await sluice.flowLogged('target-unreachable')).toMatchObject({ target: null });
  });

  test('as another container on a bridge there sees its neighbour', async () => {
    const [blue, green] = [networkNamespace(scope), networkNamespace(scope)];
    const bridge = bridgeBetween(blue, green);
    const { port } = await echoInside(scope, green.path, bridge.green);
    const sluice = await runSluice(scope, [
      ...['-p', `127.0.0.1::${port}`],
      `${bridge.green}@netns:${blue.path}`,
    ]);
    expect(await greet(sluice)).toBe('hello');
  });

  test('that is made anew under its name, once it is', async () => {
    const blue = networkNamespace(scope);
    const first = await echoInside(scope, blue.path, '127.0.0.1');
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${first.port}`, `netns:${blue.path}`]);
    const inProgress = await dial(scope, sluice.port());
    inProgress.write('x');
    await readExactly(inProgress, 1);
    const ended = ending(inProgress);
    const link = linkInto(networkNamespace(scope), blue);
    blue.delete();
    await sluice.logged(lineOf('is gone'));
    expect(await ended).toBe('reset');
    expect(await sluice.flowLogged('target-gone')).toMatchObject({ mapping: `netns:${blue.path}` });
    await first.end();
    await link.gone();
    blue.create();
    await echoInside(scope, blue.path, '127.0.0.1', first.port);
    await sluice.logged(lineOf('is there again'));
    expect(await greet(sluice, 'hello again')).toBe('hello again');
  });

  test('keeps flows for one that is on its way', async () => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, '127.0.0.1');
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${port}`, `netns:${blue.path}`]);
    blue.delete();
    await sluice.logged(lineOf('is gone'));
    const answer = greet(sluice, 'early');
    blue.create();
    await echoInside(scope, blue.path, '127.0.0.1', port);
    expect(await answer).toBe('early');
  });
});

describeWhere(why === undefined, why ?? '', 'sluice, listening inside a network namespace', () => {
  const scope = useScope();
  const tcp = (port: number, text = 'hello') => ({ host: '127.0.0.1', port, text });

  test('is there for those inside, and for nobody else', async () => {
    const blue = networkNamespace(scope);
    const port = await listenTcp(scope, (socket) => socket.end('from the host'));
    const sluice = await runSluice(scope, [
      ...['--in', `netns:${blue.path}`, '-p', `127.0.0.1:${port}:${port}`],
      '127.0.0.1',
    ]);
    // The same address and port on the host are still the server's own.
    expect(sluice.published).toMatchObject([{ hostIp: '127.0.0.1', port }]);
    expect(await talkInside(scope, blue.path, 'tcp', tcp(port))).toBe('from the host');
    expect(await sluice.flowLogged()).toMatchObject({ published: `127.0.0.1:${port}`, reason: 'done' });
  });

  test('links two namespaces, TCP and UDP, IPv4 and IPv6', async () => {
    const [blue, green] = [networkNamespace(scope), networkNamespace(scope)];
    const { port } = await echoInside(scope, green.path, '127.0.0.1');
    const specs = ['127.0.0.1:6379', '[::1]:6379'].flatMap((host) => [
      ...['-p', `${host}:${port}`, '-p', `${host}:${port}/udp`],
    ]);
    const sluice = await runSluice(scope, ['--in', `netns:${blue.path}`, ...specs, `netns:${green.path}`], 4);
    for (const host of ['127.0.0.1', '::1']) {
      for (const protocol of ['tcp', 'udp'] as const) {
        const text = `${protocol} to ${host}`;
        expect(await talkInside(scope, blue.path, protocol, { host, port: 6379, text })).toBe(text);
      }
    }
    expect((await sluice.stop()).code).toBe(0);
  });

  test('binds again in the namespace that takes the place of one that ended', async () => {
    const blue = networkNamespace(scope);
    const port = await listenTcp(scope, (socket) => socket.on('data', () => socket.end('from the host')));
    const sluice = await runSluice(scope, [
      ...['--in', `netns:${blue.path}`, '-p', `127.0.0.1::${port}`],
      '127.0.0.1',
    ]);
    const inside = sluice.port();
    expect(await talkInside(scope, blue.path, 'tcp', tcp(inside))).toBe('from the host');
    const link = linkInto(networkNamespace(scope), blue);
    blue.delete();
    await sluice.logged(lineOf('has ended: nothing listens inside until it comes back'));
    await link.gone();
    blue.create();
    await sluice.logged(lineOf(`listening inside netns:${blue.path} again`));
    expect(await talkInside(scope, blue.path, 'tcp', tcp(inside))).toBe('from the host');
    expect((await sluice.stop()).code).toBe(0);
  });

  test('is changed while it runs: what is published and unpublished later is inside too', async () => {
    const blue = networkNamespace(scope);
    const port = await listenTcp(scope, (socket) => socket.end('from the host'));
    const env = { SLUICE_RUNTIME_DIR: temporaryFolder(scope) };
    const inside = ['--in', `netns:${blue.path}`, '--name', 'inside'];
    const sluice = await runSluice(scope, [...inside, '-p', `127.0.0.1:81:${port}`, '127.0.0.1'], 1, { env });
    const control = async (...args: string[]) => {
      const command = spawnSluice(scope, args, { env });
      expect(await command.ended()).toEqual({ code: 0, signal: null });
      return command.stdout;
    };
    await control('publish', 'inside', '-p', `127.0.0.1:82:${port}`);
    expect(await talkInside(scope, blue.path, 'tcp', tcp(82))).toBe('from the host');
    blue.delete();
    await sluice.logged(lineOf('has ended: nothing listens inside'));
    blue.create();
    await sluice.logged(lineOf(`listening inside netns:${blue.path} again`));
    for (const later of [81, 82]) {
      expect(await talkInside(scope, blue.path, 'tcp', tcp(later))).toBe('from the host');
    }
    expect(JSON.parse(await control('inspect', '--config', 'inside'))).toMatchObject({
      mappings: [{ to: '127.0.0.1', in: `netns:${blue.path}` }],
    });
    // What it carried before the namespace ended counts too.
    const described = JSON.parse(await control('inspect', 'inside'));
    expect(described.mappings).toMatchObject([
      { counters: { flows_opened: 1 } },
      { counters: { flows_opened: 2 } },
    ]);
    await control('unpublish', 'inside', `82:${port}`);
    expect(await talkInside(scope, blue.path, 'tcp', tcp(82))).toBe('ECONNREFUSED');
    expect(await talkInside(scope, blue.path, 'tcp', tcp(81))).toBe('from the host');
    // So is a port that leads elsewhere than those before it.
    await control('publish', 'inside', '-p', `127.0.0.1:83:${port}`, '--to', 'dns:localhost');
    expect(await talkInside(scope, blue.path, 'tcp', tcp(83))).toBe('from the host');
  });

  test('is asked for later, for one port of an instance that listens outside', async () => {
    const blue = networkNamespace(scope);
    const port = await listenTcp(scope, (socket) => socket.end('from the host'));
    const env = { SLUICE_RUNTIME_DIR: temporaryFolder(scope) };
    const sluice = await runSluice(scope, ['--name', 'web', '-p', `127.0.0.1::${port}`, '127.0.0.1'], 1, {
      env,
    });
    const later = ['-p', `127.0.0.1:82:${port}`, '--in', `netns:${blue.path}`];
    const command = spawnSluice(scope, ['publish', 'web', ...later], { env });
    expect(await command.ended()).toEqual({ code: 0, signal: null });
    expect(await talkInside(scope, blue.path, 'tcp', tcp(82))).toBe('from the host');
    expect(await sluice.flowLogged()).toMatchObject({ mapping: 'web', published: '127.0.0.1:82' });
  });

  test('waits for an address that the new namespace does not have yet', async () => {
    const blue = networkNamespace(scope);
    blue.ip('addr', 'add', '172.30.9.2/32', 'dev', 'lo');
    const port = await listenTcp(scope, (socket) => socket.end('from the host'));
    const sluice = await runSluice(scope, [
      ...['--in', `netns:${blue.path}`, '-p', `172.30.9.2:80:${port}`],
      '127.0.0.1',
    ]);
    blue.delete();
    blue.create();
    await sluice.logged(lineOf('; it is tried again'));
    expect(sluice.stderr).toContain(
      `Bind for 172.30.9.2:80 inside netns:${blue.path} failed: cannot assign requested address`,
    );
    blue.ip('addr', 'add', '172.30.9.2/32', 'dev', 'lo');
    await sluice.logged(lineOf(`listening inside netns:${blue.path} again`));
    const answer = await talkInside(scope, blue.path, 'tcp', { host: '172.30.9.2', port: 80, text: '' });
    expect(answer).toBe('from the host');
  });

  test('says which namespace a port that is taken is in', async () => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, '127.0.0.1');
    const listen = ['--in', `netns:${blue.path}`, '-p', `127.0.0.1:${port}:80`, '10.0.0.1'];
    expect(await sluiceOutput(scope, ['run', ...listen])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `sluice: Bind for 127.0.0.1:${port} inside netns:${blue.path} failed: port is already allocated`,
      ),
    });
  });
});

describeWhere(why === undefined, why ?? '', 'a network namespace', () => {
  const scope = useScope();

  test.each([
    [['netns:/run/netns/no-such-namespace'], 'netns:/run/netns/no-such-namespace: no such file'],
    [['netns:/etc/passwd'], 'netns:/etc/passwd: it is no network namespace'],
    [['netns:pid:4194304'], 'netns:pid:4194304: no such process'],
    [['--in', 'netns:pid:4194304', '10.0.0.1'], 'netns:pid:4194304: no such process'],
  ])('that is not there is refused in words: %j', async (args, message) => {
    const { code, stderr } = await sluiceOutput(scope, ['run', '-p', '127.0.0.1::80', ...args]);
    expect(stderr).toContain(`sluice: cannot enter ${message}`);
    expect(code).toBe(1);
  });

  test.each([
    [['netns:pid:1'], 'netns:pid:1'],
    [['--in', 'web', '10.0.0.1'], 'listening inside web'],
  ])('is not for the stream engine, which says so: %j', async (args, need) => {
    const { code, stderr } = await sluiceOutput(scope, ['run', '--engine', 'stream', '-p', '80', ...args]);
    expect(stderr).toBe(`sluice: ${need} needs the splice engine, and --engine stream was asked for\n`);
    expect(code).toBe(1);
  });

  test('that this user may not enter is refused, with what to do', async () => {
    const blue = networkNamespace(scope);
    const command = [process.execPath, sluicePath, 'run', '-p', '127.0.0.1::80', `netns:${blue.path}`];
    const { status, stderr } = spawnSync('setpriv', ['--bounding-set', '-sys_admin', ...command], {
      encoding: 'utf8',
    });
    expect(stderr).toContain(
      `sluice: cannot enter netns:${blue.path}: permission denied: run sluice as root, or give node the right: setcap`,
    );
    expect(status).toBe(1);
  });

  test('that the main thread cannot leave is the end of sluice', async () => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, '127.0.0.1');
    const sluice = await runSluice(scope, ['-p', `127.0.0.1::${port}`, `netns:${blue.path}`]);
    await failSecondSetns(sluice.pid);
    await dial(scope, sluice.port());
    expect(await sluice.ended()).toEqual({ code: 1, signal: null });
    expect(sluice.stderr).toContain(
      'sluice: this thread cannot return to its own network namespace: setns: EPERM\n',
    );
  });

  test('a thread that cannot leave it is ended and replaced, and the flows after that are right', async () => {
    const blue = networkNamespace(scope);
    const { port } = await echoInside(scope, blue.path, '127.0.0.1');
    const sluice = await runSluice(scope, [
      ...['--shards', '1', '-p', `127.0.0.1::${port}`],
      `netns:${blue.path}`,
    ]);
    const tracer = await failSecondSetns(sluice.pid);
    expect(await ending(await dial(scope, sluice.port()))).toBe('reset');
    await sluice.logged(lineOf('this thread cannot return to its own network namespace: setns: EPERM'));
    tracer.kill('SIGINT');
    await once(tracer, 'exit');
    expect(await exchange(await dial(scope, sluice.port()), 'hello')).toBe('hello');
    const own = readlinkSync('/proc/self/ns/net');
    const tasks = `/proc/${sluice.pid}/task`;
    const namespaces = readdirSync(tasks).map((thread) => readlinkSync(`${tasks}/${thread}/ns/net`));
    expect(new Set(namespaces)).toEqual(new Set([own]));
    expect((await sluice.stop()).code).toBe(0);
  });
});

/** Has every second setns of the process's threads fail, from now on. */
async function failSecondSetns(pid: number) {
  const tracer = spawn('strace', [
    '-f',
    '-e',
    'trace=setns',
    '-e',
    'inject=setns:error=EPERM:when=2',
    '-p',
    String(pid),
  ]);
  await once(tracer.stderr, 'data');
  return tracer;
}

/** A link from the first into the second, which the kernel takes away once the second has really ended. */
function linkInto(from: NetworkNamespace, to: NetworkNamespace) {
  from.ip('link', 'add', 'leg', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', to.name);
  return { gone: () => until('the namespace to end', () => !from.ip('link').includes(' leg@')) };
}

/** A bridge as docker0 is one, in a namespace of its own, with a leg into each of the two. */
function bridgeBetween(blue: NetworkNamespace, green: NetworkNamespace) {
  blue.ip('link', 'add', 'br0', 'type', 'bridge');
  blue.ip('addr', 'add', '172.30.8.1/24', 'dev', 'br0');
  blue.ip('link', 'set', 'br0', 'up');
  linkInto(blue, green);
  blue.ip('link', 'set', 'leg', 'master', 'br0', 'up');
  green.ip('addr', 'add', '172.30.8.2/24', 'dev', 'eth0');
  green.ip('link', 'set', 'eth0', 'up');
  return { green: '172.30.8.2' };
}

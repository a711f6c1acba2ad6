/** Publishing and unpublishing while an instance runs, on each engine. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
// Loaded here, since jest's own loader fails over modules that several import() ask for at once.
import '../../src/engine/splice/splice-engine.js';
import { fixedShards } from '../../src/engine/shard-plan.js';
import { type Instance, startInstance } from '../../src/instance/instance.js';
import { openEngineKit } from '../../src/instance/open-engine-kit.js';
import { limits } from '../../src/limits.js';
import { defaultFlowOptions, expandSpec, type Mapping } from '../../src/publish/mapping.js';
import { parsePublishSpec } from '../../src/publish/publish-spec.js';
import { parseTarget } from '../../src/publish/target-spec.js';
import { useScope } from '../support/scope.js';
import { dial, dialError, echo, ending, endpointOf, listenTcp, readExactly } from '../support/tcp-peers.js';
import { rejectionOf, thrownBy } from '../support/thrown.js';
import { echo as udpEcho, udpPeer } from '../support/udp-peers.js';
import { until, withDeadline } from '../support/until.js';

jest.setTimeout(30_000);
const scope = useScope();

function mapped(to: string, ...specs: string[]): Mapping[] {
  const base = { name: 'web', in: undefined, target: parseTarget(to), options: defaultFlowOptions };
  return specs.flatMap((spec) => expandSpec(parsePublishSpec(spec), base));
}

/** What an echoing target answers; the connection stays open. */
async function said(client: Socket, text: string): Promise<string> {
  client.write(text);
  return String(await readExactly(client, text.length));
}

const specsOf = (...specs: string[]) => specs.map(parsePublishSpec);
const portsOf = (ports: Instance['published']) => ports.map(({ endpoint }) => endpoint.port);

describe.each(['splice', 'stream'] as const)('an instance on the %s engine', (engine) => {
  async function start(mappings: readonly Mapping[]): Promise<Instance> {
    const kit = await openEngineKit(engine, fixedShards(1));
    const log = pino({ level: 'silent' });
    const instance = await startInstance({ mappings, kit, log, accessLog: true });
    scope.onEnd(() => instance.close());
    return instance;
  }

  it('publishes more, which works at once, and leaves flows alone', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`));
    const [first = 0] = portsOf(instance.published);
    const steady = await dial(scope, first);
    expect(await said(steady, 'before')).toBe('before');
    const [second = 0] = portsOf(await instance.publish(mapped('127.0.0.1', `127.0.0.1::${target}`)));
    expect(await said(await dial(scope, second), 'new')).toBe('new');
    expect(await said(steady, 'after')).toBe('after');
    expect(portsOf(instance.published)).toEqual([first, second]);
    expect(instance.picture().published.map(({ atRunTime }) => atRunTime)).toEqual([false, true]);
  });

  it('publishes all of a request or nothing', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`));
    const taken = await listenTcp(scope, echo);
    const free = await listenTcp(scope, echo);
    // Lets go of a port that is then free for sure.
    const before = instance.published.length;
    const error = await rejectionOf(
      instance.publish(mapped('127.0.0.1', '127.0.0.1::80', `127.0.0.1:${taken}:80`, `127.0.0.1:${free}:80`)),
    );
    expect(error.code).toBe('SLUICE_PORT_ALLOCATED');
    expect(error.faults).toEqual([
      `Bind for 127.0.0.1:${taken} failed: port is already allocated`,
      `Bind for 127.0.0.1:${free} failed: port is already allocated`,
    ]);
    expect(instance.published).toHaveLength(before);
    expect(instance.picture().targets).toHaveLength(1);
  });

  it('says in Docker’s words which mapping of its own has the port', async () => {
    const instance = await start(mapped('127.0.0.1', '127.0.0.1::80'));
    const [port = 0] = portsOf(instance.published);
    const error = await rejectionOf(instance.publish(mapped('127.0.0.1', `${port}:81`)));
    expect(error.message).toBe(
      `Bind for 0.0.0.0:${port} failed: port is already allocated (by 80/tcp of web, in this instance)`,
    );
  });

  it('frees an unpublished port at once, and lets its flows finish', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`, '127.0.0.1::81'));
    const [port = 0] = portsOf(instance.published);
    const client = await dial(scope, port);
    expect(await said(client, 'before')).toBe('before');
    const { ports, flows } = instance.unpublish(specsOf(String(target)), 60_000);
    expect({ ports: portsOf(ports), flows }).toEqual({ ports: [port], flows: 1 });
    expect(await dialError(scope, port)).toBe('ECONNREFUSED');
    // The port is anybody's: this instance's too, while the old flow goes on.
    await instance.publish(mapped('127.0.0.1', `127.0.0.1:${port}:${target}`));
    expect(await said(await dial(scope, port), 'again')).toBe('again');
    expect(await said(client, 'still')).toBe('still');
    expect(instance.picture().published.map(({ draining }) => draining)).toEqual([true, false, false]);
    client.end();
    await until('the unpublished mapping to be forgotten', () => instance.picture().published.length === 2);
    const { records } = instance.history?.read(0, 10) ?? { records: [] };
    expect(records.map(({ record }) => [record.published, record.reason, record.bytes_in])).toContainEqual([
      `127.0.0.1:${port}`,
      'done',
      'beforestill'.length,
    ]);
  });

  it('resets what has not finished when the grace ends', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`));
    const client = await dial(scope, portsOf(instance.published)[0] ?? 0);
    expect(await said(client, 'stuck')).toBe('stuck');
    instance.unpublish(specsOf(String(target)), 50);
    expect(await ending(client)).toBe('reset');
    await until('the mapping to be forgotten', () => instance.picture().published.length === 0);
    expect(instance.history?.read(0, 1).records[0]?.record.reason).toBe('drained');
  });

  it('answers a UDP client to the end, and holds its port until then', async () => {
    const { endpoint } = await udpPeer(scope, '127.0.0.1', udpEcho);
    const target = endpoint.port;
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}/udp`));
    const [port = 0] = portsOf(instance.published);
    const client = await udpPeer(scope, '127.0.0.1');
    client.send('before', endpointOf('127.0.0.1', port));
    await withDeadline(client.next(), () => 'no answer');
    instance.unpublish(specsOf(`${target}/udp`), 60_000);
    const error = await rejectionOf(instance.publish(mapped('127.0.0.1', `127.0.0.1:${port}:1/udp`)));
    expect(error.message).toContain('whose last clients are being waited for, in this instance)');
    await until('the quiet client to be forgotten', () => instance.picture().published.length === 0);
    await instance.publish(mapped('127.0.0.1', `127.0.0.1:${port}:1/udp`));
  });

  it('ends while something drains', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`, '127.0.0.1::81'));
    const client = await dial(scope, portsOf(instance.published)[0] ?? 0);
    await said(client, 'stuck');
    instance.unpublish(specsOf(String(target)), 3_600_000);
    const reset = ending(client);
    await instance.close();
    expect(await reset).toBe('reset');
    expect(await rejectionOf(instance.publish(mapped('127.0.0.1', '80')))).toMatchObject({
      code: 'SLUICE_STOPPING',
    });
    expect(thrownBy(() => instance.unpublish(specsOf('81'), 0)).code).toBe('SLUICE_STOPPING');
  });

  it('stops within its own grace, however long one that was given before', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`));
    const client = await dial(scope, portsOf(instance.published)[0] ?? 0);
    await said(client, 'stuck');
    instance.unpublish(specsOf(String(target)), 3_600_000);
    const reset = ending(client);
    const flows = withDeadline(instance.drain(50), () => 'it waits for the longer grace');
    expect(await flows).toBe(1);
    expect(await reset).toBe('reset');
  });

  it('tells flows of many ports, published and unpublished in turn, apart', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', '127.0.0.1::80'));
    for (let round = 1; round <= 20; round += 1) {
      const [port = 0] = portsOf(await instance.publish(mapped('127.0.0.1', `127.0.0.1::${target}`)));
      const client = await dial(scope, port);
      const text = 'x'.repeat(round);
      expect(await said(client, text)).toBe(text);
      instance.unpublish(specsOf(String(target)), 60_000);
      client.end();
      await once(client, 'close');
      await until('its record', () => instance.history?.added === round);
      const [last] = instance.history?.read(round - 1, 1).records ?? [];
      expect([last?.record.published, last?.record.bytes_in]).toEqual([`127.0.0.1:${port}`, round]);
    }
    await until('all to be forgotten', () => instance.picture().published.length === 1);
  });

  it('keeps a target for as long as a mapping leads there', async () => {
    const instance = await start(mapped('127.0.0.1', '127.0.0.1::80'));
    const targets = () => instance.picture().targets.map(({ spec }) => spec.kind);
    await instance.publish(mapped('unix:/run/nobody.sock', '127.0.0.1::81'));
    await instance.publish(mapped('unix:/run/nobody.sock', '127.0.0.1::82'));
    expect(targets()).toEqual(['ip', 'unix']);
    instance.unpublish(specsOf('81'), 0);
    await until('81 to be forgotten', () => instance.picture().published.length === 2);
    expect(targets()).toEqual(['ip', 'unix']);
    instance.unpublish(specsOf('82'), 0);
    await until('the target to be let go', () => targets().length === 1);
  });

  it('counts what its flows do, by mapping and by reason', async () => {
    const target = await listenTcp(scope, echo);
    const instance = await start(mapped('127.0.0.1', `127.0.0.1::${target}`));
    const client = await dial(scope, portsOf(instance.published)[0] ?? 0);
    await said(client, 'hello');
    const counters = () => instance.picture().published[0]?.counters;
    // A shard counts what it has sent just after it was received.
    await until('the answer to be counted', () => counters()?.bytesOut === 5);
    expect(counters()).toMatchObject({ flowsOpened: 1, flowsEnded: 0, bytesIn: 5 });
    client.end();
    await until('its end', () => instance.picture().published[0]?.ends?.['done'] === 1);
  });
});

describe('what is unpublished', () => {
  const kit = openEngineKit('stream', fixedShards(1));
  async function start(): Promise<Instance> {
    const mappings = mapped('10.0.0.1', '127.0.0.1::80', '127.0.0.1::80', '127.0.0.1::53/udp');
    const log = pino({ level: 'silent' });
    const instance = await startInstance({ mappings, kit: await kit, log, accessLog: false });
    scope.onEnd(() => instance.close());
    return instance;
  }

  it('is what was meant, or is asked back', async () => {
    const instance = await start();
    const [first = 0, second = 0] = portsOf(instance.published);
    const refused = (...specs: string[]) => thrownBy(() => instance.unpublish(specsOf(...specs), 0)).message;
    expect(refused('81')).toBe('81/tcp is not published; what is: 80/tcp, 53/udp');
    expect(refused('53/tcp')).toMatch(/^53\/tcp is not published/);
    expect(refused('80')).toBe(
      `80/tcp is published 2 times; say which with its host port: 127.0.0.1:${first}:80/tcp, 127.0.0.1:${second}:80/tcp`,
    );
    expect(refused(`127.0.0.2:${first}:80`)).toMatch(/is not published/);
    expect(refused('80/sctp')).toMatch(/unsupported protocol sctp/);
    // All or nothing: the good one of these stays.
    expect(refused('53/udp', '81')).toMatch(/^81\/tcp is not published/);
    expect(instance.published).toHaveLength(3);
    instance.unpublish(specsOf(`${second}:80`, '53/udp'), 0);
    expect(portsOf(instance.published)).toEqual([first]);
  });

  it('is told of in words that stay short', async () => {
    const instance = await start();
    await instance.publish(
      mapped('10.0.0.1', ...Array.from({ length: 30 }, (_, at) => `127.0.0.1::${100 + at}`)),
    );
    const { message } = thrownBy(() => instance.unpublish(specsOf('1'), 0));
    expect(message).toMatch(new RegExp(`(\\S+, ){${limits.choicesTold - 1}}\\S+ and 22 more$`));
  });
});

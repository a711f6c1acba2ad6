/** The control socket, asked without the command line: what docs/control-socket.md says of it. */
import { connect } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import type { Problem } from '../../src/admin/problem.js';
import { limits } from '../../src/limits.js';
import { controlRequest, rawExchange, socketOf } from '../support/control-requests.js';
import { instancesIn } from '../support/instances.js';
import { useScope } from '../support/scope.js';
import type { SluiceProcess } from '../support/sluice-process.js';
import { dial, echo, exchange, listenTcp, readExactly } from '../support/tcp-peers.js';
import { until, withDeadline } from '../support/until.js';

jest.setTimeout(60_000);
const scope = useScope();

async function start(...args: string[]): Promise<{ web: SluiceProcess; path: string }> {
  const instances = instancesIn(scope);
  const web = await instances.run(['--name', 'web', ...args]);
  return { web, path: socketOf(instances, 'web') };
}

const plain = ['-p', '127.0.0.1::80', '10.0.0.1'];

describe('the control socket', () => {
  it('answers in JSON', async () => {
    const { web, path } = await start(...plain);
    const instance = await controlRequest(path, 'GET', '/v1/instance');
    expect([instance.status, instance.type]).toEqual([200, 'application/json']);
    expect(JSON.parse(instance.text)).toMatchObject({ name: 'web', pid: web.pid });
    const config = await controlRequest(path, 'GET', '/v1/config');
    expect(JSON.parse(config.text)).toMatchObject({ name: 'web', mappings: [{ to: '10.0.0.1' }] });
    const body = JSON.stringify({ ports: ['127.0.0.1::53/udp', '127.0.0.1::81'] });
    const published = await controlRequest(path, 'POST', '/v1/mappings', body);
    expect(published.status).toBe(201);
    expect(JSON.parse(published.text)).toEqual({
      published: [
        {
          mapping: '10.0.0.1',
          to: '10.0.0.1',
          target: 53,
          protocol: 'udp',
          ip: '127.0.0.1',
          port: expect.any(Number),
        },
        {
          mapping: '10.0.0.1',
          to: '10.0.0.1',
          target: 81,
          protocol: 'tcp',
          ip: '127.0.0.1',
          port: expect.any(Number),
        },
      ].map((port) => ({ ...port, mapping: 'web' })),
    });
    const freed = await controlRequest(path, 'DELETE', '/v1/mappings?port=81&port=53/udp&time=0s');
    expect(freed.status).toBe(200);
    expect(JSON.parse(freed.text)).toMatchObject({
      unpublished: [{ target: 81 }, { target: 53 }],
      draining: 0,
    });
    const stopped = await controlRequest(path, 'POST', '/v1/stop?time=0s');
    expect([stopped.status, JSON.parse(stopped.text)]).toEqual([200, { flows_reset: 0 }]);
    expect(await web.ended()).toEqual({ code: 0, signal: null });
  });

  it('says at once that a stop is under way, as far as the client can know of it', async () => {
    const { web, path } = await start(...plain);
    const stop = 'POST /v1/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const oldStop = stop.replace('HTTP/1.1', 'HTTP/1.0');
    const refused = await rawExchange(scope, path, stop.replace('/stop', '/stop?time=soon'));
    expect(refused).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
    const [told, toldOld] = await Promise.all(
      [stop, oldStop].map((text) => rawExchange(scope, path, text, 'wait')),
    );
    expect(told).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(toldOld).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await web.ended()).toEqual({ code: 0, signal: null });
  });

  it('tells how many flows a stop without time resets in the middle of a drain', async () => {
    const target = await listenTcp(scope, echo);
    const { web, path } = await start(
      ...['--drain-timeout', '1m', '-p', `127.0.0.1::${target}`, '127.0.0.1'],
    );
    const client = await dial(scope, web.port());
    client.write('hello');
    expect(String(await readExactly(client, 5))).toBe('hello');
    web.signal('SIGTERM');
    await web.logged(({ msg }) => String(msg).startsWith('SIGTERM'));
    const { text } = await controlRequest(path, 'POST', '/v1/stop?time=0s');
    expect(JSON.parse(text)).toEqual({ flows_reset: 1 });
  });

  it.each(['', 'GET /v1/inst'])('does not wait for a client that has said %j when it stops', async (said) => {
    const { web, path } = await start(...plain);
    const silent = connect(path);
    scope.onEnd(() => silent.destroy());
    silent.on('error', () => undefined);
    silent.write(said);
    // Connections are served in their order.
    await controlRequest(path, 'GET', '/v1/instance');
    web.signal('SIGTERM');
    expect(await web.ended()).toEqual({ code: 0, signal: null });
  });

  it('tells of errors as problem details (RFC 9457)', async () => {
    const { path } = await start(...plain);
    const problem = async (method: string, target: string, body?: string) => {
      const { status, type, text, allow } = await controlRequest(path, method, target, body);
      const details = JSON.parse(text) as Problem;
      expect({ type, status, about: details.type }).toEqual({
        ...{ type: 'application/problem+json', status: details.status, about: 'about:blank' },
      });
      return [status, details.code, details.detail, ...(allow === undefined ? [] : [allow])];
    };
    const malformed =
      'the body is not as it must be: {"ports": ["8080:80"]}, and, as far as they are wanted, "to", "network" and "in"';
    expect(await problem('GET', '/v2/instance')).toEqual([
      404,
      'SLUICE_BAD_REQUEST',
      'there is no /v2/instance here',
    ]);
    expect(await problem('GET', '/constructor')).toEqual([
      404,
      'SLUICE_BAD_REQUEST',
      'there is no /constructor here',
    ]);
    expect(await problem('PUT', '/v1/mappings')).toEqual([
      ...[405, 'SLUICE_BAD_REQUEST', '/v1/mappings does not take PUT', 'POST, DELETE'],
    ]);
    for (const body of [
      '{}',
      '[]',
      'null',
      '{"ports":[]}',
      '{"ports":[1]}',
      '{"ports":["80"],"x":1}',
      '{"ports":["80"],"to":1}',
      '{"ports":["80"],"network":1}',
      '{"ports":["80"],"in":null}',
    ]) {
      expect(await problem('POST', '/v1/mappings', body)).toEqual([400, 'SLUICE_BAD_REQUEST', malformed]);
    }
    expect(await problem('POST', '/v1/mappings', '{')).toEqual([
      400,
      'SLUICE_BAD_REQUEST',
      'the body is no JSON',
    ]);
    expect(await problem('POST', '/v1/mappings', '{"ports":["80:0"]}')).toEqual([
      ...[400, 'SLUICE_BAD_SPEC', 'invalid containerPort: 0'],
    ]);
    expect(await problem('DELETE', '/v1/mappings')).toEqual([
      ...[400, 'SLUICE_BAD_REQUEST', 'which port? Say so, as in ?port=80/tcp'],
    ]);
    expect(await problem('DELETE', '/v1/mappings?port=81')).toEqual([
      ...[404, 'SLUICE_NOT_PUBLISHED', '81/tcp is not published; what is: 80/tcp'],
    ]);
    expect(await problem('GET', '/v1/logs?tail=-1')).toEqual([
      400,
      'SLUICE_BAD_REQUEST',
      'tail=-1: it must be a whole number',
    ]);
    expect(await problem('GET', '/v1/logs?follow=1')).toEqual([
      400,
      'SLUICE_BAD_REQUEST',
      'follow=1: it must be true or false',
    ]);
    expect((await problem('POST', '/v1/stop?time=soon'))[1]).toBe('SLUICE_BAD_DURATION');
    const taken = await listenTcp(scope, echo);
    expect(await problem('POST', '/v1/mappings', `{"ports":["127.0.0.1:${taken}:80"]}`)).toEqual([
      ...[409, 'SLUICE_PORT_ALLOCATED', `Bind for 127.0.0.1:${taken} failed: port is already allocated`],
    ]);
  });

  it('refuses what is too much, and goes on', async () => {
    const { path } = await start(...plain);
    const body = Buffer.alloc(limits.controlBodyBytes + 1, ' ');
    const tooLong = await controlRequest(path, 'POST', '/v1/mappings', body).catch(() => undefined);
    // The answer may be lost with the connection, since the rest of the body is not read.
    if (tooLong !== undefined)
      expect(tooLong.text).toContain(`more than the ${limits.controlBodyBytes} bytes`);
    const every = JSON.stringify({ ports: Array.from({ length: 10_000 }, () => '1-65535') });
    const tooMany = await controlRequest(path, 'POST', '/v1/mappings', every);
    expect([tooMany.status, (JSON.parse(tooMany.text) as Problem).detail]).toEqual([
      400,
      '655350000 ports are more than the 65536 of one instance',
    ]);
    const head = `GET /v1/instance HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(limits.controlHeadBytes)}\r\n\r\n`;
    expect(await rawExchange(scope, path, head)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await controlRequest(path, 'GET', '/v1/instance')).status).toBe(200);
  });

  it('ends a request that never comes whole', async () => {
    const { path } = await start(...plain);
    const slow = connect(path);
    scope.onEnd(() => slow.destroy());
    let said = '';
    slow.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    slow.write('GET /v1/inst');
    await withDeadline(new Promise((resolve) => slow.once('close', resolve)), () => 'it stayed open');
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain('application/problem+json');
  });

  it('takes so many connections, and so many readers of the log among them', async () => {
    const { path } = await start(...plain);
    const follow = () => {
      const socket = connect(path);
      scope.onEnd(() => socket.destroy());
      let said = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      socket.on('error', () => undefined);
      socket.write('GET /v1/logs?follow=true HTTP/1.1\r\nHost: x\r\n\r\n');
      return { socket, said: () => said };
    };
    const followers = Array.from({ length: limits.logFollowers }, follow);
    await until('all to follow', () => followers.every(({ said }) => said().includes('200 OK')));
    const oneMore = await controlRequest(path, 'GET', '/v1/logs?follow=true');
    expect([oneMore.status, (JSON.parse(oneMore.text) as Problem).code]).toEqual([503, 'SLUICE_TOO_MANY']);
    followers[0]?.socket.destroy();
    await until('the place to be free', async () => {
      const { socket, said } = follow();
      await until('an answer', () => said() !== '');
      if (said().includes('200 OK')) return true;
      socket.destroy();
      return false;
    });
    const others = Array.from({ length: 2 * limits.controlConnections }, () => connect(path));
    for (const socket of others) scope.onEnd(() => socket.destroy());
    const closed = await Promise.race(
      others.map(
        (socket) =>
          new Promise<boolean>((resolve) =>
            socket.on('close', () => resolve(true)).on('error', () => undefined),
          ),
      ),
    );
    expect(closed).toBe(true);
  });

  it('tells a reader who is slow how many records are lost, and holds nothing up', async () => {
    const target = await listenTcp(scope, echo);
    const { web, path } = await start('-p', `127.0.0.1::${target}`, '127.0.0.1');
    const slow = connect(path);
    scope.onEnd(() => slow.destroy());
    slow.write('GET /v1/logs?follow=true HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => slow.once('readable', resolve));
    // Flows until more has passed by than the ring, the connection and what is under way can hold.
    const flows = 4 * limits.accessRecords;
    for (let done = 0; done < flows; done += 64) {
      await Promise.all(Array.from({ length: 64 }, async () => exchange(await dial(scope, web.port()), 'x')));
    }
    await web.flowsLogged(flows);
    let said = '';
    slow.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await exchange(await dial(scope, web.port()), 'the last');
    await until('the last record', () => said.includes('"bytes_in":8'));
    const lost = [...said.matchAll(/"msg":"(\d+) records are lost: the latest 1024 are kept"/g)].map(
      ([, count]) => Number(count),
    );
    const told = [...said.matchAll(/"msg":"flow ended"/g)].length;
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.reduce((sum, count) => sum + count, told)).toBe(flows + 1);
  });
});

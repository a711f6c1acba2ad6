/** Whatever is said on the control socket, the instance goes on. */
import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { controlRequest, rawExchange, socketOf } from '../support/control-requests.js';
import { instancesIn } from '../support/instances.js';
import { useScope } from '../support/scope.js';
import { dial, echo, exchange, listenTcp } from '../support/tcp-peers.js';

jest.setTimeout(120_000);
const scope = useScope();

async function start() {
  const instances = instancesIn(scope);
  const target = await listenTcp(scope, echo);
  const web = await instances.run(['-p', `127.0.0.1::${target}`, '--name', 'web', '127.0.0.1']);
  const path = socketOf(instances, 'web');
  const stillWell = async () => {
    expect((await controlRequest(path, 'GET', '/v1/instance')).status).toBe(200);
    expect(await exchange(await dial(scope, web.port()), 'hello')).toBe('hello');
    expect(web.records.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  };
  return { web, path, stillWell };
}

const methods = fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'PATCH', 'TRACE');
/** Nothing here stops the instance: that is what it is for. */
const paths = fc.oneof(
  fc.constantFrom(
    '/v1/instance',
    '/v1/config',
    '/v1/mappings',
    '/v1/logs',
    '/',
    '//',
    '/v1',
    '/v1/stop/',
    '*',
    '/__proto__',
  ),
  fc.webPath().filter((path) => !path.startsWith('/v1/stop')),
);
const queries = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((query) => `?${query}`),
  fc
    .record({ key: fc.constantFrom('port', 'tail', 'time', 'follow'), value: fc.string() })
    .map(({ key, value }) => `?${key}=${encodeURIComponent(value)}`),
);
/** Ports of nobody's: a fuzzer that binds real ones would take them from other tests. */
const bodies = fc.oneof(
  fc.json(),
  fc.string(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc
    .record({
      ports: fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant('192.0.2.1:1:1'))),
      to: fc.option(fc.string()),
      network: fc.option(fc.string(), { nil: undefined }),
      in: fc.option(fc.string(), { nil: undefined }),
    })
    .map((body) => JSON.stringify(body)),
);

describe('the control socket, given anything', () => {
  it('answers every request, or ends its connection', async () => {
    const { path, stillWell } = await start();
    await fc.assert(
      fc.asyncProperty(methods, paths, queries, bodies, async (method, target, query, body) => {
        const answer = await controlRequest(path, method, target + query, body).catch((error: unknown) =>
          String(error),
        );
        if (typeof answer === 'string') return;
        expect(answer.status).toBeGreaterThanOrEqual(200);
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400 && method !== 'HEAD')
          expect(JSON.parse(answer.text)).toMatchObject({ status: answer.status });
      }),
      { numRuns: 400 },
    );
    await stillWell();
  });

  it('ends a connection that says no HTTP', async () => {
    const { path, stillWell } = await start();
    const request = 'POST /v1/mappings HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"ports":["80:0"]}  ';
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 4096 }).map((bytes) => Buffer.from(bytes)),
      // A request that was cut off, or has a byte changed.
      fc.nat(request.length).map((length) => Buffer.from(request.slice(0, length))),
      fc.record({ at: fc.nat(request.length - 1), byte: fc.nat(255) }).map(({ at, byte }) => {
        const bytes = Buffer.from(request);
        bytes[at] = byte;
        return bytes;
      }),
      fc.constant(Buffer.from(`${request}${request}GET / HTTP/9.9\r\n\r\n`)),
      fc.constant(Buffer.from('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')),
      fc.constant(
        Buffer.from(
          'GET /v1/instance HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
        ),
      ),
      fc.constant(Buffer.from('POST /v1/mappings HTTP/1.1\r\nHost: x\r\nExpect: nonsense\r\n\r\n')),
    );
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        await rawExchange(scope, path, bytes);
      }),
      { numRuns: 300 },
    );
    await stillWell();
  });
});

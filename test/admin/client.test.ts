/** How long a command waits for an instance. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { InstanceClient } from '../../src/admin/client.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';

const scope = useScope();

async function clientOf(answer: RequestListener): Promise<InstanceClient> {
  const path = join(temporaryFolder(scope), 'web.sock');
  const server = createServer(answer).listen(path);
  scope.onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return new InstanceClient('web', path);
}

describe('an instance that has said that a stop is under way', () => {
  it('is waited for longer than one that says nothing', async () => {
    let stopped: () => void = () => undefined;
    const client = await clientOf((request, response) => {
      if (request.url !== '/v1/stop') return;
      response.writeContinue();
      stopped = () => response.end('{"flows_reset":1}');
    });
    const stopping = client.stop(undefined);
    await expect(client.describe()).rejects.toMatchObject({
      code: 'SLUICE_CONTROL_FAILED',
      message: 'web does not answer: is its process stopped?',
    });
    stopped();
    expect(await stopping).toEqual({ flows_reset: 1 });
  });
});

describe('the access log', () => {
  it('is followed while no record comes', async () => {
    let next: () => void = () => undefined;
    const client = await clientOf((request, response) => {
      if (!request.url?.startsWith('/v1/logs')) return;
      response.flushHeaders();
      next = () => response.end('the record');
    });
    const response = await client.logs({ tail: undefined, follow: true });
    await expect(client.describe()).rejects.toMatchObject({ code: 'SLUICE_CONTROL_FAILED' });
    next();
    expect(await response.setEncoding('utf8').toArray()).toEqual(['the record']);
  });
});

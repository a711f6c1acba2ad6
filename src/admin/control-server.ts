/**
 * The control socket's server: HTTP, JSON, one process's worth of it. docs/control-socket.md describes it.
 *
 * Whatever comes in, the instance goes on: a request ends with an answer, a problem, or its connection. All is bounded:
 * connections by the claim, heads, bodies and the time they take here.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import { errnoOf, messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { waitAtMost } from '../wait-at-most.js';
import type { Claim } from './claim.js';
import { type Answer, type Controlled, routes } from './control-routes.js';
import { type Problem, problemOf, problemType } from './problem.js';

export interface ControlServer {
  /** The instance has ended: tells those who asked for it, and ends all connections. */
  stopped(flowsReset: number): Promise<void>;
}

export function serveControl(claim: Claim, controlled: Omit<Controlled, 'name'>, log: Logger): ControlServer {
  let tellStopped: (flowsReset: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    tellStopped = resolve;
  });
  const subject: Controlled = { ...controlled, name: claim.name };
  let stopping = false;
  const connections = new Set<Duplex>();
  const server = createServer(
    {
      maxHeaderSize: limits.controlHeadBytes,
      headersTimeout: limits.controlRequestMs,
      requestTimeout: limits.controlRequestMs,
      connectionsCheckingInterval: limits.controlRequestMs / 5,
    },
    (request, response) => {
      response.on('error', () => undefined);
      response.on('close', () => {
        if (stopping) server.closeIdleConnections();
      });
      answer(subject, stopped, request, response).catch((error: unknown) => {
        if (!(error instanceof SluiceError))
          log.error(`a fault in answering on the control socket: ${messageOf(error)}`);
        sendProblem(response, problemOf(error));
      });
    },
  );
  server.on('clientError', refuse);
  // It does not listen itself, so it has to be told to watch how long requests take.
  server.emit('listening');
  claim.serve((connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
    server.emit('connection', connection);
  });
  return {
    stopped: async (flowsReset) => {
      tellStopped(flowsReset);
      stopping = true;
      server.close();
      await ended([...connections]);
    },
  };
}

/** What Node's parser could not read, or got no more of. */
const unreadable: Readonly<Record<string, readonly [status: number, words: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come whole in time'],
  HPE_HEADER_OVERFLOW: [431, `the request's head has more than the ${limits.controlHeadBytes} bytes allowed`],
};

function refuse(error: unknown, connection: Duplex): void {
  const [status, words] = unreadable[errnoOf(error) ?? ''] ?? [400, 'this is no HTTP request'];
  if (!connection.writable) {
    connection.destroy();
    return;
  }
  const text = `${JSON.stringify(problemOf(new SluiceError('SLUICE_BAD_REQUEST', words), status))}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  connection.end(`${head.join('\r\n')}\r\n\r\n${text}`);
}

/**
 * Done when the last answers are out; a reader that does not read, or a client that says nothing, is not waited for long. The
 * HTTP server does not know of what it did not accept itself: its `close` would be done at once.
 */
function ended(connections: readonly Duplex[]): Promise<void> {
  const closed = Promise.all(connections.map((connection) => once(connection, 'close')));
  return waitAtMost(limits.logFlushMs, closed, () => {
    for (const connection of connections) connection.destroy();
  });
}

async function answer(
  subject: Controlled,
  stopped: Promise<number>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = targetOf(request);
  const methods = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
  if (methods === undefined) {
    sendProblem(
      response,
      problemOf(new SluiceError('SLUICE_BAD_REQUEST', `there is no ${pathname} here`), 404),
    );
    return;
  }
  const method = request.method ?? '';
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) {
    response.setHeader('allow', Object.keys(methods).join(', '));
    const error = new SluiceError('SLUICE_BAD_REQUEST', `${pathname} does not take ${method}`);
    sendProblem(response, problemOf(error, 405));
    return;
  }
  if (method !== 'GET' && !(await isStillAsked(request, response))) return;
  const result = await handler({ subject, query: searchParams, request, response, stopped });
  if (result !== undefined) send(response, result);
}

/**
 * What changes the instance may take its time: whoever asks for it learns at once that this process is alive. Every client of
 * HTTP/1.1 passes over it (RFC 9110, 15.2); HTTP/1.0 has no such thing. False where nobody is there to learn it: who gave
 * up on a process that was stopped has told its user that nothing was done.
 */
async function isStillAsked(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (request.httpVersionMinor > 0) response.writeContinue();
  await setImmediate();
  return !request.socket.destroyed;
}

function targetOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? '', 'http://sluice');
  } catch (error) {
    throw new SluiceError('SLUICE_BAD_REQUEST', 'the request has a target that is no path', { cause: error });
  }
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  // What was not read of a body is not read: the connection ends with the answer.
  if (!response.req.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Where the answer has begun there is no way left to tell but to cut it off. */
function sendProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) response.destroy();
  else send(response, { status: problem.status, type: problemType, text: `${JSON.stringify(problem)}\n` });
}

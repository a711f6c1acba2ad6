/**
 * The control socket's server: HTTP, JSON, one process's worth of it. docs/control-socket.md describes it.
 *
 * Whatever comes in, the instance goes on: a request ends with an answer, a problem, or its connection. All is bounded:
 * connections by the claim, heads, bodies and the time they take here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { messageOf, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import type { Claim } from './claim.js';
import { type Answer, type Controlled, routes } from './control-routes.js';
import { type Problem, problemOf, problemType } from './problem.js';
import type { ControlServer } from './serve-when-asked.js';

export function serveControl(claim: Claim, controlled: Omit<Controlled, 'name'>, log: Logger): ControlServer {
  let tellStopped: (flowsReset: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    tellStopped = resolve;
  });
  const subject: Controlled = { ...controlled, name: claim.name };
  const server = createServer(
    {
      maxHeaderSize: limits.controlHeadBytes,
      headersTimeout: limits.controlRequestMs,
      requestTimeout: limits.controlRequestMs,
      connectionsCheckingInterval: limits.controlRequestMs / 5,
    },
    (request, response) => {
      response.on('error', () => undefined);
      answer(subject, stopped, request, response).catch((error: unknown) => {
        if (!(error instanceof SluiceError))
          log.error(`a fault in answering on the control socket: ${messageOf(error)}`);
        sendProblem(response, problemOf(error));
      });
    },
  );
  server.on('clientError', (_error, connection) => {
    const problem = problemOf(
      new SluiceError('SLUICE_BAD_REQUEST', 'this is no HTTP request that is understood here'),
    );
    const text = JSON.stringify(problem);
    if (connection.writable) {
      connection.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
      );
    } else {
      connection.destroy();
    }
  });
  // It does not listen itself, so it has to be told to watch how long requests take.
  server.emit('listening');
  claim.serve((connection) => server.emit('connection', connection));
  return {
    stopped: async (flowsReset) => {
      tellStopped(flowsReset);
      await ended(server);
    },
  };
}

/** Done when the last answers are out; a reader that does not read is not waited for long. */
async function ended(server: Server): Promise<void> {
  const giveUp = setTimeout(() => server.closeAllConnections(), limits.logFlushMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(giveUp);
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
  const result = await handler({ subject, query: searchParams, request, response, stopped });
  if (result !== undefined) send(response, result);
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

/** What the control socket is asked, read and checked. */
import type { IncomingMessage } from 'node:http';
import { portCount } from '../address/port.js';
import { printable, SluiceError } from '../errors.js';
import { limits } from '../limits.js';
import { parseDuration } from '../publish/duration.js';
import { type PublishSpec, parsePublishSpec } from '../publish/publish-spec.js';
import type { LogRequest } from './follow-log.js';
import type { Whereabouts } from './mapping-base.js';

export interface PublishRequest extends Whereabouts {
  readonly ports: readonly PublishSpec[];
}

/** @throws SluiceError SLUICE_BAD_REQUEST, or what is wrong with a port */
export function readPublishRequest(body: string): PublishRequest {
  const value = parseJson(body);
  const { ports, to, network, in: inside, ...rest } = isRecord(value) ? value : {};
  const isGood = isTexts(ports) && isTextOrNone(to) && isTextOrNone(network) && isTextOrNone(inside);
  if (!isGood || Object.keys(rest).length > 0) {
    throw badRequest(
      'the body is not as it must be: {"ports": ["8080:80"]}, and, as far as they are wanted, "to", "network" and "in"',
    );
  }
  return { ports: notTooMany(ports.map((text) => parsePublishSpec(text))), to, network, in: inside };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string');
}

function isTextOrNone(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** Before they are written out one by one: few words may stand for more ports than there is memory for. */
function notTooMany(specs: readonly PublishSpec[]): readonly PublishSpec[] {
  const all = specs.reduce((sum, { containerPorts }) => sum + portCount(containerPorts), 0);
  if (all <= limits.publishedPorts) return specs;
  throw badRequest(`${all} ports are more than the ${limits.publishedPorts} of one instance`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** @throws SluiceError SLUICE_BAD_REQUEST without one, or what is wrong with one */
export function readPorts(query: URLSearchParams): readonly PublishSpec[] {
  const ports = query.getAll('port');
  if (ports.length === 0) throw badRequest('which port? Say so, as in ?port=80/tcp');
  return notTooMany(ports.map((text) => parsePublishSpec(text)));
}

/** @throws SluiceError SLUICE_BAD_REQUEST */
export function readLogRequest(query: URLSearchParams): LogRequest {
  const tail = query.get('tail');
  if (tail !== null && !/^\d{1,9}$/.test(tail)) {
    throw badRequest(`tail=${printable(tail)}: it must be a whole number`);
  }
  const follow = query.get('follow') ?? 'false';
  if (follow !== 'true' && follow !== 'false') {
    throw badRequest(`follow=${printable(follow)}: it must be true or false`);
  }
  return { tail: tail === null ? undefined : Number(tail), follow: follow === 'true' };
}

/** @throws SluiceError SLUICE_BAD_DURATION */
export function readTime(query: URLSearchParams, otherwiseMs: number): number {
  const text = query.get('time');
  return text === null ? otherwiseMs : parseDuration(text);
}

/** @throws SluiceError SLUICE_BAD_REQUEST where it is too long, cut off, or no UTF-8 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const body = await readBytes(request);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (error) {
    throw badRequest('the body is no UTF-8', error);
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // What is left of it is not read; the connection ends with the answer.
      if (bytes > limits.controlBodyBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw badRequest('the body is cut off', error);
  }
  if (bytes <= limits.controlBodyBytes) return Buffer.concat(chunks);
  throw badRequest(`the body has more than the ${limits.controlBodyBytes} bytes allowed`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badRequest('the body is no JSON', error);
  }
}

function badRequest(message: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_BAD_REQUEST', message, { cause });
}

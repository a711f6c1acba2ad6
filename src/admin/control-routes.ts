/** What can be asked on the control socket, as a table: path, method, what is done. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SluiceError } from '../errors.js';
import type { Instance, PublishedPort } from '../instance/instance.js';
import { limits } from '../limits.js';
import { expandSpec, type Mapping } from '../publish/mapping.js';
import { formatTarget } from '../publish/target-spec.js';
import { writeMappingFile } from '../publish/write-mapping-file.js';
import { describeInstance } from './describe.js';
import { writeAccessLog } from './follow-log.js';
import { baseOf } from './mapping-base.js';
import { readBody, readLogRequest, readPorts, readPublishRequest, readTime } from './requests.js';

/** What the control socket controls. */
export interface Controlled {
  readonly name: string;
  readonly instance: Instance;
  /** What it was started with: where new ports lead when none is left. */
  readonly mappings: readonly Mapping[];
  /** How long flows may take to finish, where a request does not say. */
  readonly drainTimeoutMs: number;
  /** Stops the instance as a stop signal does, and at once where it stops already. */
  readonly stop: (drainTimeoutMs: number) => void;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

interface ControlRequest {
  readonly subject: Controlled;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Done when the instance has ended, with how many flows were reset. */
  readonly stopped: Promise<number>;
}

/** Gives the answer, or has written it itself. */
type ControlHandler = (request: ControlRequest) => Promise<Answer | undefined>;

const json = 'application/json';

function answerJson(value: unknown, status = 200): Answer {
  return { status, type: json, text: `${JSON.stringify(value)}\n` };
}

export const routes: Readonly<Record<string, Readonly<Record<string, ControlHandler>>>> = {
  '/v1/instance': {
    GET: async ({ subject: { name, instance } }) => answerJson(describeInstance(name, instance.picture())),
  },
  '/v1/config': {
    GET: async ({ subject: { name, instance } }) => ({
      status: 200,
      type: json,
      text: writeMappingFile(name, servedMappings(instance)),
    }),
  },
  '/v1/mappings': { POST: publish, DELETE: unpublish },
  '/v1/logs': { GET: logs },
  '/v1/stop': { POST: stop },
};

async function publish({ subject, request }: ControlRequest): Promise<Answer> {
  const { name, instance, mappings: first } = subject;
  const { ports, ...whereabouts } = readPublishRequest(await readBody(request));
  const served = servedMappings(instance);
  const base = baseOf(name, served.length > 0 ? served : first, whereabouts);
  const mappings = ports.flatMap((spec) => expandSpec(spec, base));
  return answerJson({ published: (await instance.publish(mappings)).map(describePort) }, 201);
}

async function unpublish({ subject, query }: ControlRequest): Promise<Answer> {
  const { instance, drainTimeoutMs } = subject;
  const { ports, flows } = instance.unpublish(readPorts(query), readTime(query, drainTimeoutMs));
  return answerJson({ unpublished: ports.map(describePort), draining: flows });
}

async function logs({ subject: { name, instance }, query, response }: ControlRequest): Promise<undefined> {
  const { history } = instance;
  const asked = readLogRequest(query);
  if (history === undefined) {
    throw new SluiceError(
      'SLUICE_NO_ACCESS_LOG',
      `${name} keeps no access log: it runs with --no-access-log`,
    );
  }
  if (history.followers >= limits.logFollowers) {
    throw new SluiceError(
      'SLUICE_TOO_MANY',
      `${history.followers} readers follow the log of ${name}: no more can`,
    );
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  await writeAccessLog(name, history, asked, response);
}

/**
 * Answers in full when it has stopped, so that whoever asked knows that ports and name are free. Where it is stopping already,
 * that is waited for; no time at all ends it at once.
 */
async function stop({ subject, query, stopped }: ControlRequest): Promise<Answer> {
  const timeMs = readTime(query, subject.drainTimeoutMs);
  if (timeMs === 0 || !subject.instance.stopping) subject.stop(timeMs);
  return answerJson({ flows_reset: await stopped });
}

function servedMappings(instance: Instance): Mapping[] {
  const { published } = instance.picture();
  return published.filter(({ draining }) => !draining).map(({ bound }) => bound);
}

function describePort({ mapping, endpoint }: PublishedPort) {
  return {
    mapping: mapping.name,
    to: formatTarget(mapping.target),
    target: mapping.targetPort,
    protocol: mapping.protocol,
    ip: endpoint.ip.text,
    port: endpoint.port,
  };
}

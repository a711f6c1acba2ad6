/** Errors on the control socket: problem details (RFC 9457), there and back. */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, messageOf, SluiceError } from '../errors.js';

export const problemType = 'application/problem+json';

export interface Problem {
  /** RFC 9457 section 4.2.1: nothing more is to be said than the status does; `code` tells what happened. */
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** One line, as the command line would tell it. */
  readonly detail: string;
  readonly code: ErrorCode;
  readonly faults?: readonly string[];
}

/** What a code means to a program that asks; any other is 400: it asked for something that cannot be. */
const statuses: Partial<Readonly<Record<ErrorCode, number>>> = {
  SLUICE_PORT_ALLOCATED: 409,
  SLUICE_BIND_FAILED: 409,
  SLUICE_NOT_PUBLISHED: 404,
  SLUICE_STOPPING: 409,
  SLUICE_NO_ACCESS_LOG: 409,
  SLUICE_TOO_MANY: 503,
  SLUICE_CONTROL_FAILED: 500,
};

/** @param status where the code alone does not tell it */
export function problemOf(error: unknown, status?: number): Problem {
  const code = error instanceof SluiceError ? error.code : 'SLUICE_CONTROL_FAILED';
  const faults = error instanceof SluiceError ? error.faults : [];
  const number = status ?? statuses[code] ?? 400;
  return {
    type: 'about:blank',
    title: STATUS_CODES[number] ?? 'Error',
    status: number,
    detail: messageOf(error),
    code,
    ...(faults.length > 0 ? { faults } : {}),
  };
}

/** The error that a problem tells of; whatever cannot be read as one is told as it came. */
export function errorOf(text: string, status: number): SluiceError {
  const problem = readProblem(text);
  if (problem === undefined) {
    return new SluiceError('SLUICE_CONTROL_FAILED', `the instance answered ${status}, and no more`);
  }
  return new SluiceError(problem.code, problem.detail, { faults: problem.faults ?? [] });
}

function readProblem(text: string): Pick<Problem, 'code' | 'detail' | 'faults'> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { code, detail, faults } = value as Partial<Problem>;
    if (typeof code !== 'string' || typeof detail !== 'string') return undefined;
    return { code, detail, faults: Array.isArray(faults) ? faults.map(String) : [] };
  } catch {
    return undefined;
  }
}

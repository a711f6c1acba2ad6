/**
 * The one error class. Its message is for the person who reads it: what was asked, what failed and what to do, in
 * one line, in Docker's words where Docker has them.
 */

/** Every code an error of sluice can carry. Codes are stable: scripts may match on them. */
export type ErrorCode =
  | 'SLUICE_USAGE'
  | 'SLUICE_BAD_SPEC'
  | 'SLUICE_BAD_TARGET'
  | 'SLUICE_BAD_DURATION'
  | 'SLUICE_BAD_MAPPING_FILE'
  | 'SLUICE_UNSUPPORTED_PROTOCOL'
  | 'SLUICE_NAMESPACE_UNAVAILABLE'
  | 'SLUICE_DOCKER_UNAVAILABLE'
  | 'SLUICE_DOCKER_DENIED'
  | 'SLUICE_NO_SUCH_CONTAINER'
  | 'SLUICE_AMBIGUOUS_CONTAINER'
  | 'SLUICE_CONTAINER_NOT_RUNNING'
  | 'SLUICE_CONTAINER_UNREACHABLE'
  | 'SLUICE_NOTHING_EXPOSED'
  | 'SLUICE_PORT_ALLOCATED'
  | 'SLUICE_BIND_FAILED'
  | 'SLUICE_FILE_UNREADABLE'
  | 'SLUICE_ENGINE_UNAVAILABLE'
  | 'SLUICE_NOT_PUBLISHED'
  | 'SLUICE_STOPPING'
  | 'SLUICE_NAME_TAKEN'
  | 'SLUICE_NO_INSTANCE'
  | 'SLUICE_NO_RUNTIME_FOLDER'
  | 'SLUICE_BAD_REQUEST'
  | 'SLUICE_NO_ACCESS_LOG'
  | 'SLUICE_TOO_MANY'
  | 'SLUICE_CONTROL_FAILED';

interface ErrorFacts {
  /** What made this fail, for logs: never shown to a user by itself. */
  readonly cause?: unknown;
  /** Further lines, one a fault, where several were found at once. */
  readonly faults?: readonly string[];
}

export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly faults: readonly string[];

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.faults = facts.faults ?? [];
  }
}

/**
 * A thread is in a network namespace that is not its own and cannot return, so that whatever it does from now on happens
 * in there: it must end, and with the main thread the process. Nobody takes this for a failure of one flow or one listener.
 */
export class StrandedError extends Error {
  constructor(cause: Error) {
    super(`this thread cannot return to its own network namespace: ${cause.message}`, { cause });
    this.name = 'StrandedError';
  }
}

/** The `code` of a Node system error (`ECONNRESET`, …), or undefined where the value is none. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A text from outside as a message may quote it: on one line, and nothing in it that steers a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    // JSON leaves DEL and the C1 controls as they are; terminals act on them.
    return escaped === character ? `\\u00${character.charCodeAt(0).toString(16)}` : escaped;
  });
}

/** What a message offers to choose from: so many, and how many more there are. */
export function choices(texts: readonly string[], most: number): string {
  if (texts.length === 0) return 'nothing';
  const told = texts.slice(0, most).join(', ');
  return texts.length > most ? `${told} and ${texts.length - most} more` : told;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}

/** In one line: what was thrown, and where in the code. */
export function causeOf(error: unknown): string {
  const where =
    error instanceof Error ? error.stack?.split('\n').find((line) => /^ +at /.test(line)) : undefined;
  return `${String(error)}${where === undefined ? '' : where.replace(/^ +/, ' ')}`;
}

import { type Endpoint, formatEndpoint } from '../address/endpoint.js';

/** What the access log tells of one flow; the keys are part of sluice's interface. */
export interface AccessRecord {
  readonly mapping: string;
  readonly protocol: string;
  /** Where the client came from, and the published port it came to. */
  readonly client: string;
  readonly published: string;
  /** The address that was dialled; null where none was known. */
  readonly target: string | null;
  /** Bytes from the client, and from the target. */
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly ms: number;
  readonly reason: string;
  /** The side that failed first, where one did, and the errno it failed with. */
  readonly failed?: string;
  readonly error?: string;
}

/** What of a flow's end the record tells; an engine's FlowEnd has it all. */
export interface EndedFlow {
  readonly protocol: string;
  readonly client: Endpoint;
  readonly target: ({ readonly kind: 'ip' } & Endpoint) | UnixAddress | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly milliseconds: number;
  readonly reason: string;
  readonly failed: string | undefined;
  readonly error: string | undefined;
}

interface UnixAddress {
  readonly kind: 'unix';
  readonly path: string;
}

export function accessRecord(end: EndedFlow, mapping: string, published: Endpoint): AccessRecord {
  return {
    mapping,
    protocol: end.protocol,
    client: formatEndpoint(end.client),
    published: formatEndpoint(published),
    target: end.target === undefined ? null : formatTargetAddress(end.target),
    bytes_in: end.bytesIn,
    bytes_out: end.bytesOut,
    ms: Math.round(end.milliseconds),
    reason: end.reason,
    ...(end.failed === undefined ? {} : { failed: end.failed }),
    ...(end.error === undefined ? {} : { error: end.error }),
  };
}

function formatTargetAddress(address: Endpoint | UnixAddress): string {
  return 'path' in address ? `unix:${address.path}` : formatEndpoint(address);
}

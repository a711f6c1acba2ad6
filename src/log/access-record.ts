import { type Endpoint, formatEndpoint } from '../address/endpoint.js';
import type { FlowEnd, TargetAddress } from '../engine/engine.js';

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

export function accessRecord(end: FlowEnd, mapping: string, published: Endpoint): AccessRecord {
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

function formatTargetAddress(address: TargetAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : formatEndpoint(address);
}

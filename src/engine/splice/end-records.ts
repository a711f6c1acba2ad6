/** Flow ends as numbers: how a shard tells of them without making an object or a text a flow. */
import { errnoName } from '../../sys/errno.js';
import { ipv6Text } from '../../sys/sockaddr.js';
import {
  type AssociationEndReason,
  associationEndReasons,
  type CloseEvent,
  closeTable,
} from '../close-table.js';
import type { FlowEnd, TargetAddress } from '../engine.js';

/** A flow's end: a row of the close table, or a reason of an association. */
export type EndCause = CloseEvent | AssociationEndReason;

/** A name that is in both is one cause: which it is a record's protocol tells. */
const causes = [
  ...new Set<EndCause>([...(Object.keys(closeTable) as CloseEvent[]), ...associationEndReasons]),
];
const causeNumbers = Object.fromEntries(causes.map((cause, index) => [cause, index])) as Record<
  EndCause,
  number
>;

const targetKinds = { none: 0, ip: 1, unix: 2 } as const;

/** Fields of a record, a Float64 each. Addresses take four 32-bit words; IPv4 uses the first. */
const field = {
  service: 0,
  udp: 1,
  clientFamily: 2,
  clientPort: 3,
  client: 4,
  targetKind: 8,
  targetFamily: 9,
  targetPort: 10,
  target: 11,
  targetText: 15,
  bytesIn: 16,
  bytesOut: 17,
  milliseconds: 18,
  cause: 19,
  errno: 20,
} as const;
export const recordFields = 21;

/** An address in words, as the kernel gives it: network order, seen as this machine's 32-bit integers. */
export interface AddressWords {
  readonly family: 4 | 6;
  readonly port: number;
  readonly words: ArrayLike<number>;
}

/** The target as a shard knows it. By number: its path, or its zone. */
export type ShardTarget =
  | { readonly kind: 'ip'; readonly address: AddressWords; readonly textNumber: number }
  | { readonly kind: 'unix'; readonly textNumber: number };

export interface EndFacts {
  readonly service: number;
  readonly udp: boolean;
  readonly clientFamily: 4 | 6;
  readonly clientPort: number;
  readonly clientWords: ArrayLike<number>;
  readonly target: ShardTarget | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly milliseconds: number;
  readonly cause: EndCause;
  readonly errno: number;
}

export function writeEnd(records: Float64Array, index: number, facts: EndFacts): void {
  const at = index * recordFields;
  records[at + field.service] = facts.service;
  records[at + field.udp] = facts.udp ? 1 : 0;
  records[at + field.clientFamily] = facts.clientFamily;
  records[at + field.clientPort] = facts.clientPort;
  writeWords(records, at + field.client, facts.clientWords);
  const { target } = facts;
  records[at + field.targetKind] = target === undefined ? targetKinds.none : targetKinds[target.kind];
  if (target?.kind === 'ip') {
    records[at + field.targetFamily] = target.address.family;
    records[at + field.targetPort] = target.address.port;
    writeWords(records, at + field.target, target.address.words);
  }
  records[at + field.targetText] = target?.textNumber ?? 0;
  records[at + field.bytesIn] = facts.bytesIn;
  records[at + field.bytesOut] = facts.bytesOut;
  records[at + field.milliseconds] = facts.milliseconds;
  records[at + field.cause] = causeNumbers[facts.cause];
  records[at + field.errno] = facts.errno;
}

/** Reads what `writeEnd` wrote; `textOf` knows each service's paths and zones by number. */
export function readEnd(
  records: Float64Array,
  index: number,
  textOf: (service: number, textNumber: number) => string,
): FlowEnd {
  const get = (offset: number) => records[index * recordFields + offset] ?? 0;
  const udp = get(field.udp) === 1;
  const cause = causes[get(field.cause)] ?? 'internal-error';
  const row = Object.hasOwn(closeTable, cause) && !udp ? closeTable[cause as CloseEvent] : undefined;
  return {
    service: get(field.service),
    protocol: udp ? 'udp' : 'tcp',
    client: {
      ip: readIp(get(field.clientFamily), (word) => get(field.client + word)),
      port: get(field.clientPort),
    },
    target: readTarget(get, textOf),
    bytesIn: get(field.bytesIn),
    bytesOut: get(field.bytesOut),
    milliseconds: get(field.milliseconds),
    reason: row === undefined ? (cause as AssociationEndReason) : row.reason,
    failed: row?.failed,
    error: get(field.errno) === 0 ? undefined : errnoName(get(field.errno)),
  };
}

function readTarget(
  get: (offset: number) => number,
  textOf: (service: number, textNumber: number) => string,
): TargetAddress | undefined {
  const kind = get(field.targetKind);
  if (kind === targetKinds.none) return undefined;
  const text = textOf(get(field.service), get(field.targetText));
  if (kind === targetKinds.unix) return { kind: 'unix', path: text };
  const ip = readIp(get(field.targetFamily), (word) => get(field.target + word));
  return { kind: 'ip', ip: { ...ip, text: ip.text + text }, port: get(field.targetPort) };
}

function writeWords(records: Float64Array, at: number, words: ArrayLike<number>): void {
  for (let index = 0; index < 4; index += 1) records[at + index] = words[index] ?? 0;
}

function readIp(family: number, word: (index: number) => number): { family: 4 | 6; text: string } {
  const words = new Int32Array([word(0), word(1), word(2), word(3)]);
  const bytes = new Uint8Array(words.buffer);
  if (family === 4) return { family: 4, text: bytes.subarray(0, 4).join('.') };
  const view = new DataView(words.buffer);
  return {
    family: 6,
    text: ipv6Text(Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index, false))),
  };
}

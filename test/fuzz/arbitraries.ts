/** Random values of sluice's own kinds, and texts that are nearly what a parser reads. */
import fc from 'fast-check';
import { type IpAddress, parseIp } from '../../src/address/ip.js';
import { highestPort, type PortRange } from '../../src/address/port.js';
import { dockerProtocols } from '../../src/publish/protocol.js';
import type { PublishSpec } from '../../src/publish/publish-spec.js';
import type { NamespaceSpec, TargetSpec } from '../../src/publish/target-spec.js';

/** One seed, so that a run says the same twice; FUZZ_SEED=random or a number looks elsewhere. */
const seed = process.env['FUZZ_SEED'] ?? '1';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });

const zone = fc.stringMatching(/^[\w.-]{1,15}$/);
const ipv6Text = fc
  .tuple(fc.ipV6(), fc.option(zone, { nil: undefined }))
  .map(([text, name]) => (name === undefined ? text : `${text}%${name}`));

export const ipText: fc.Arbitrary<string> = fc.oneof(fc.ipV4(), ipv6Text);

export const ip: fc.Arbitrary<IpAddress> = ipText
  .map((text) => parseIp(text))
  .filter((address) => address !== undefined);

const port = fc.integer({ min: 1, max: highestPort });

export const portRange: fc.Arbitrary<PortRange> = fc
  .tuple(port, port)
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));

const onePort = port.map((first) => ({ first, last: first }));

/** Host and container ports of equal length, a pool, or free host ports. */
const ports = fc.oneof(
  fc.record({ hostPorts: fc.constant(undefined), containerPorts: portRange }),
  fc.record({ hostPorts: portRange, containerPorts: onePort }),
  portRange.map((range) => ({ hostPorts: range, containerPorts: range })),
);

export const publishSpec: fc.Arbitrary<PublishSpec> = fc
  .tuple(fc.option(ip, { nil: undefined }), ports, fc.constantFrom(...dockerProtocols))
  .map(([hostIp, both, protocol]) => ({ hostIp, ...both, protocol }));

const label = fc.stringMatching(/^[a-zA-Z0-9]([a-zA-Z0-9_-]{0,20}[a-zA-Z0-9])?$/);
const dnsName = fc
  .tuple(fc.array(label, { maxLength: 4 }), fc.stringMatching(/^[a-z]{2,10}\.?$/))
  .map(([labels, last]) => [...labels, last].join('.'));
const unixPath = fc.stringMatching(/^\/[!-~]{0,100}$/);

/** A container's name, an id, or the beginning of one. */
const container = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}$/),
  fc.stringMatching(/^[0-9a-f]{12,64}$/),
);
const namespace: fc.Arbitrary<NamespaceSpec> = fc.oneof(
  unixPath.map((path) => ({ kind: 'path' as const, path })),
  fc.integer({ min: 1, max: 4_194_304 }).map((pid) => ({ kind: 'pid' as const, pid })),
  container.map((name) => ({ kind: 'container' as const, container: name })),
);

export const targetSpec: fc.Arbitrary<TargetSpec> = fc.oneof(
  ip.map((address) => ({ kind: 'ip' as const, ip: address })),
  dnsName.map((name) => ({ kind: 'dns' as const, name })),
  dnsName.map((name) => ({ kind: 'name' as const, name })),
  container.map((name) => ({ kind: 'docker' as const, container: name, network: undefined })),
  fc
    .tuple(namespace, fc.oneof(ip, fc.constant({ family: 4, text: '127.0.0.1' } as const)))
    .map(([inside, address]) => ({ kind: 'netns' as const, namespace: inside, ip: address })),
  unixPath.map((path) => ({ kind: 'unix' as const, path })),
);

/** Any text at all, and texts made of the pieces that a grammar is made of. */
export function textsFrom(...pieces: string[]): fc.Arbitrary<string> {
  const fromPieces = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.nat({ max: 70_000 }).map(String)), {
    maxLength: 12,
  });
  return fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fromPieces.map((parts) => parts.join('')),
  );
}

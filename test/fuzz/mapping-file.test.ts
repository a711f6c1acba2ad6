import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/errors.js';
import { limits } from '../../src/limits.js';
import { findConflicts } from '../../src/publish/conflicts.js';
import { parseMappingFile } from '../../src/publish/mapping-file.js';
import { formatPublishSpec } from '../../src/publish/publish-spec.js';
import { formatTarget } from '../../src/publish/target-spec.js';
import { outcomeOf } from '../support/outcome.js';
import { publishSpec, targetSpec } from './arbitraries.js';

/** Ranges here are short, so that a run stays quick. */
const spec = publishSpec.map(({ hostPorts, containerPorts, ...rest }) => {
  const short = (range: typeof containerPorts) => ({
    first: range.first,
    last: Math.min(range.last, range.first + 3),
  });
  const container = short(containerPorts);
  const length = container.last - container.first;
  const host = hostPorts && { first: hostPorts.first, last: Math.min(65_535, hostPorts.first + length) };
  return formatPublishSpec({ ...rest, hostPorts: host, containerPorts: container });
});
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('5s', '1m', 'web', '80', 'tcp', '', '0'));

const longPort = fc.record(
  {
    target: fc.oneof(fc.integer({ min: -1, max: 66_000 }), text),
    published: fc.oneof(fc.integer({ min: -1, max: 66_000 }), text),
    host_ip: fc.oneof(fc.ipV4(), fc.ipV6(), text),
    protocol: fc.constantFrom('tcp', 'udp', 'sctp', 'UDP', ''),
  },
  { requiredKeys: [] },
);

const validEntry = fc.record({
  to: targetSpec.map(formatTarget),
  ports: fc.array(spec, { minLength: 1, maxLength: 4 }),
});
const validFile = fc.record({ mappings: fc.array(validEntry, { minLength: 1, maxLength: 4 }) });

const nearlyValidEntry = fc.record(
  {
    name: text,
    network: fc.oneof(text, fc.constantFrom('my-net', '-')),
    to: fc.oneof(targetSpec.map(formatTarget), text, fc.jsonValue()),
    ports: fc.array(fc.oneof(spec, longPort, fc.integer(), fc.jsonValue()), { maxLength: 4 }),
    connect_timeout: fc.oneof(text, fc.jsonValue()),
    wait: text,
    idle_timeout: text,
    udp_timeout: text,
    max_flows: fc.oneof(fc.integer(), fc.double()),
  },
  { requiredKeys: [] },
);
const nearlyValidFile = fc.record({ name: text, mappings: fc.array(nearlyValidEntry, { maxLength: 4 }) });

/** A text with some of its characters lost, doubled or replaced. */
function damaged(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom('', '"', ',', '{', ']', '\\', '0', '\u0000', '//'),
  );
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: 3 })).map(([whole, changes]) =>
    changes.reduce((rest, [place, lost, put]) => {
      const at = place % (rest.length + 1);
      return rest.slice(0, at) + put + rest.slice(at + lost);
    }, whole),
  );
}

const asText = (value: unknown) => JSON.stringify(value);

function faultsOf(file: string): readonly string[] {
  try {
    parseMappingFile(file, 'f.json');
    return [];
  } catch (error) {
    if (error instanceof SluiceError) return error.faults;
    throw error;
  }
}

describe('a mapping file is read or refused, with our error and with no other', () => {
  it.each([
    ['any text', fc.string({ unit: 'binary' }), 500],
    ['any JSON', fc.json(), 500],
    ['nearly a file', nearlyValidFile.map(asText), 600],
    ['a file, damaged', damaged(validFile.map(asText)), 600],
    ['nearly a file, damaged', damaged(nearlyValidFile.map(asText)), 300],
  ])('%s', (_, files, numRuns) => {
    fc.assert(
      fc.property(files, (file) => {
        outcomeOf(() => parseMappingFile(file, 'f.json'));
      }),
      { numRuns },
    );
  });
});

describe('a fault', () => {
  it('always has its place in the text, and there is always one where nothing is published', () => {
    fc.assert(
      fc.property(
        nearlyValidFile.map((file) => JSON.stringify(file, null, 1)),
        (file) => {
          const lines = file.split('\n').length;
          const faults = faultsOf(file);
          for (const fault of faults.slice(0, limits.faultsTold)) {
            const line = Number(/^f\.json:(\d+):\d+: /.exec(fault)?.[1]);
            expect(line >= 1 && line <= lines).toBe(true);
          }
          expect(outcomeOf(() => parseMappingFile(file, 'f.json'))).toBe(
            faults.length === 0 ? 'read' : 'refused',
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a file of valid mappings', () => {
  it('has no faults but those that its mappings have with one another', () => {
    fc.assert(
      fc.property(validFile.map(asText), (file) => {
        for (const fault of faultsOf(file)) {
          expect(fault).toMatch(/port is already allocated|unsupported protocol sctp|takes tcp only/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives mappings of which no two want one port, in the order of the file', () => {
    fc.assert(
      fc.property(validFile, (file) => {
        const text = asText(file);
        fc.pre(faultsOf(text).length === 0);
        const { mappings } = parseMappingFile(text, 'f.json');
        expect(findConflicts(mappings)).toEqual([]);
        const targets = mappings.map(({ target }) => formatTarget(target));
        expect([...new Set(targets)]).toEqual([...new Set(file.mappings.map(({ to }) => to))]);
      }),
      { numRuns: 100, maxSkipsPerRun: 200 },
    );
  });
});

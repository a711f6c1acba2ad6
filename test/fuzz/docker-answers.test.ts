import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';
import { containerListSchema, containerSchema, eventSchema } from '../../src/docker/answers.js';
import { jsonLines } from '../../src/docker/bodies.js';
import { type FakeContainer, inspected } from '../support/fake-docker.js';

const text = fc.oneof(fc.string(), fc.constantFrom('web', '80/tcp', '172.17.0.2', 'fd00::2', '/', ''));
const container: fc.Arbitrary<FakeContainer> = fc.record({
  id: text,
  name: text,
  networkMode: text,
  networks: fc.dictionary(text, fc.record({ NetworkID: text, IPAddress: text, GlobalIPv6Address: text })),
  exposed: fc.array(text),
});
const event = fc.record({
  Type: fc.oneof(text, fc.constantFrom('container', 'network')),
  Action: text,
  Actor: fc.record({ ID: text, Attributes: fc.oneof(fc.constant(null), fc.dictionary(text, text)) }),
  timeNano: fc.double(),
});

/** A value of ours, or one with some part of it turned into something else. */
function nearly<Value>(values: fc.Arbitrary<Value>): fc.Arbitrary<unknown> {
  return fc.tuple(values, fc.nat(), fc.jsonValue(), fc.boolean()).map(([value, place, other, damage]) => {
    let at = 0;
    return damage
      ? JSON.parse(JSON.stringify(value), (_, part: unknown) => (at++ === place % 12 ? other : part))
      : value;
  });
}

describe('an answer of Docker is read or refused, and never throws', () => {
  it.each([
    ['a container', containerSchema, nearly(container.map(inspected))],
    ['a list of containers', containerListSchema, nearly(fc.array(fc.record({ Names: fc.array(text) })))],
    ['an event', eventSchema, nearly(event)],
  ])('%s', (_, schema, answers) => {
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(answers, (answer) => {
        outcomes.add(v.safeParse(schema, answer).success);
      }),
      { numRuns: 500 },
    );
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

describe('events', () => {
  it('are the same however their bytes come', async () => {
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          event.map((one) => JSON.stringify(one)),
          { maxLength: 5 },
        ),
        cuts,
        async (lines, places) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const read: unknown[] = [];
          for await (const value of jsonLines(pieces(bytes, places), bytes.length)) read.push(value);
          expect(read).toEqual(lines.map((line) => JSON.parse(line) as unknown));
        },
      ),
      { numRuns: 200 },
    );
  });
});

async function* pieces(bytes: Buffer, places: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const to of [...places].sort((a, b) => a - b)) {
    yield bytes.subarray(from, to);
    from = Math.max(from, to);
  }
  yield bytes.subarray(from);
}

import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

const file = new URL('../../src/cli/young-generation.js', import.meta.url).href;

/** In a process of its own, whose heap nothing else has filled. */
const program = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { holdYoungGeneration } from ${JSON.stringify(file)};
  const young = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
  const kept = [];
  const survive = () => { for (let count = 0; count < 300_000; count += 1) kept.push({ count, more: [count] }); };
  const before = young();
  const letGo = holdYoungGeneration();
  survive();
  const held = young();
  letGo();
  survive();
  console.log(JSON.stringify([before, held, young()]));
`;

test('the young generation does not grow while it is held, however much survives, and does afterwards', () => {
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const [before = 0, held = 0, after = 0] = JSON.parse(said) as number[];
  // Its two halves need not both have been used before.
  expect(held).toBeLessThanOrEqual(2 * before);
  expect(after).toBeGreaterThan(2 * held);
});

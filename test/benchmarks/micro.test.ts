/** Every micro-benchmark once, tiny, so that none rots. */
import { expect, it } from '@jest/globals';
import { allParts } from '../../benchmarks/micro/all.js';
import { measurePart } from '../../benchmarks/micro/measure.js';
import { describeWhere } from '../support/machine.js';

const tiny = { time: 0, iterations: 2, warmup: false };

for (const part of allParts) {
  const missing = part.missing();
  describeWhere(missing === undefined, missing ?? '', part.name, () => {
    it('takes some time, and has a spread', async () => {
      const { median, least, most, runs } = await measurePart(part, tiny);
      expect(runs).toBe(2);
      expect(least).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(least);
      expect(most).toBeGreaterThanOrEqual(median);
    });
  });
}

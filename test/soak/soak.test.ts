import { expect, test } from '@jest/globals';
import { useScope } from '../support/scope.js';
import { soak } from './soak.js';

const scope = useScope();

test('three seconds of mixed traffic are carried byte for byte and leave nothing behind', async () => {
  const { tcp, udp, faults } = await soak({ scope, ms: 3_000, seed: 42, tell: () => undefined });
  expect(faults).toEqual([]);
  expect(tcp.whole).toBeGreaterThan(0);
  expect(tcp.reset).toBeGreaterThan(0);
  expect(udp.answered).toBeGreaterThan(0);
}, 60_000);

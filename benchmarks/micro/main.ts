/** `npm run bench:micro`: what the parts cost that a flow crosses, each alone. */
import { machineFacts } from '../machine.js';
import { cell } from '../table.js';
import { allParts } from './all.js';
import { measurePart } from './measure.js';

const seconds = 2;
const { cpu, cores, kernel, node, commit } = machineFacts();
const able = allParts.filter((part) => part.missing() === undefined);

console.log(`${cpu}, ${cores} cores, Linux ${kernel}, Node ${node}, sluice ${commit}`);
for (const part of allParts) {
  const missing = part.missing();
  if (missing !== undefined) console.log(`  ${part.name} is skipped: ${missing}`);
}
console.log(`${able.length} parts: about ${Math.ceil(able.length * seconds * 1.3)} s`);
console.log('Nanoseconds each: the median, the least and what 99 of 100 runs stayed below.\n');
for (const part of able) {
  const { name, runs, ...summary } = await measurePart(part, { time: seconds * 1_000 });
  console.log(`${name.padEnd(56)}${cell({ digits: 0 }, { ...summary, rounds: runs })}`);
}

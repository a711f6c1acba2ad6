/** For a program that only serves: it ends when whoever started it is gone, killed without a chance to say so. */
import { bench } from '../bounds.js';

const parent = process.ppid;
const endsMs = performance.now() + bench.servantSeconds * 1_000;

/** Whoever is killed leaves its children to another process: that is how a child learns of it. */
export function isAbandoned(): boolean {
  return process.ppid !== parent || performance.now() > endsMs;
}

export function endWithParent(): void {
  setInterval(() => {
    if (isAbandoned()) process.exit();
  }, bench.parentPollMs);
}

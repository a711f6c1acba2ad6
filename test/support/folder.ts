import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scope } from './scope.js';

/** An empty folder of the test's own. */
export function temporaryFolder(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  scope.onEnd(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

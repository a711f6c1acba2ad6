/** The command itself, as npm runs it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { readReport } from '../../benchmarks/report.js';
import { temporaryFolder } from '../support/folder.js';
import { useScope } from '../support/scope.js';

const scope = useScope();
const main = fileURLToPath(new URL('../../benchmarks/main.js', import.meta.url));

function bench(...args: readonly string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 });
}

describe('npm run bench', () => {
  it('prints a table, keeps every round, draws a picture, and can compare what it kept', () => {
    const json = join(temporaryFolder(scope), 'result.json');
    const peers = ['--peer', 'direct,sluice-stream,sluice-splice'];
    const { status, stdout } = bench(
      ...['--quick', '--scenario', 'bulk', ...peers, '--rounds', '2', '--seconds', '0.1'],
      ...['--own-sessions', '--json', json],
    );
    expect(stdout).toMatch(
      /^Each program is in a session of its own(, which this kernel does not regard)?\.$/m,
    );
    expect(stdout).toMatch(/^1 table, up to 2 rounds each: about \d+ s$/m);
    expect(stdout).toMatch(/^sluice-splice +[\d.]+ \([\d.]+–[\d.]+\) .* 1$/m);
    expect(status).toBe(0);
    const { machine, ownSessions, works } = readReport(json);
    expect(machine.node).toBe(process.version);
    expect(ownSessions).toBe(true);
    expect(works[0]?.rounds).toHaveLength(6);
    expect(['light', 'dark'].map((theme) => existsSync(json.replace('.json', `-${theme}.svg`)))).toEqual([
      ...[true, true],
    ]);
    expect(bench('--compare', json, json).stdout).toContain('Too few rounds to tell: ');
  }, 60_000);

  it('says in one line what is wrong with its options, and exits with 2', () => {
    const { status, stderr } = bench('--peer', 'envoy');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bench: --peer envoy: it is one of [^\n]*\n$/);
  });
});

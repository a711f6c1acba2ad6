/**
 * A step of the build: `node write-code-cache.js BUNDLE ARGUMENT…` runs a bundle's command for a moment, so that V8 compiles
 * what a start needs, and writes what it has compiled beside the bundle.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { codeCachePath, loadBundle } from './load-bundle.js';

/** Long enough to have started on a slow machine; what is not compiled by then is compiled at each start, no more. */
const startMs = 500;

const [bundlePath, ...argv] = process.argv.slice(2);
if (bundlePath === undefined) throw new Error('write-code-cache: which bundle?');
const file = resolve(bundlePath);
const { bundle, script } = loadBundle(file);
process.stdout.write = () => true;
setTimeout(() => process.kill(process.pid, 'SIGTERM'), startMs);
// Nobody is to find this instance, or to be in its way.
const runtimeFolder = mkdtempSync(join(tmpdir(), 'sluice-build-'));
process.env['SLUICE_RUNTIME_DIR'] = runtimeFolder;
process.once('exit', () => {
  writeFileSync(codeCachePath(file), script.createCachedData());
  rmSync(runtimeFolder, { recursive: true, force: true });
});
await bundle.main(argv);

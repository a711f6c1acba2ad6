/** Programs that a benchmark runs: where they are and which versions they have. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Servers are installed here, and a user's PATH often lacks it. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The full path of a program on PATH or among the system's servers; undefined where it is not installed. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), ...systemFolders];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @throws Error that names the program */
export function needTool(name: string): string {
  const path = findTool(name);
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** Of several programs those that are missing, in words; undefined where all are there. */
export function missingTools(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findTool(name) === undefined);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
}

/** What a program prints, on either stream, when asked for its version; `pattern`'s first group is the version. */
export function versionOf(name: string, args: readonly string[], pattern: RegExp): string {
  const path = findTool(name);
  if (path === undefined) return 'not installed';
  const { stdout, stderr } = spawnSync(path, args, { encoding: 'utf8', timeout: 5_000 });
  return pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? 'unknown';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us to run: the next folder may have it.
    return false;
  }
}

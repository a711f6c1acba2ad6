/**
 * Loads a bundle of dist/ together with the code that V8 made of it when it was built (write-code-cache.ts): parsing and
 * compiling it anew takes about as long as all else that a start does.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

/** What every bundle of a command gives: runs a command line, and leaves the exit code in `process.exitCode`. */
export interface Bundle {
  main(argv: readonly string[]): Promise<void>;
}

export interface LoadedBundle {
  readonly bundle: Bundle;
  /** Holds what V8 has compiled of it so far. */
  readonly script: Script;
}

/** The function that Node, too, makes of a CommonJS module (nodejs.org/api/modules.html, "The module wrapper"). */
const wrapper = ['(function (exports, require, module, __filename, __dirname) {', '\n})'] as const;
type CommonJs = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void;

export function loadBundle(file: string): LoadedBundle {
  const script = new Script(wrapper.join(readFileSync(file, 'utf8')), {
    filename: file,
    cachedData: codeCache(file),
  });
  const module = { exports: {} };
  const run = script.runInThisContext() as CommonJs;
  run(module.exports, createRequire(file), module, file, dirname(file));
  return { bundle: module.exports as Bundle, script };
}

export function codeCachePath(file: string): string {
  return `${file}.code-cache`;
}

/** None where it was not written; one that another V8 made is rejected by V8, which then compiles as usual. */
function codeCache(file: string): Buffer | undefined {
  try {
    return readFileSync(codeCachePath(file));
  } catch {
    return undefined;
  }
}

import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { version } from '../src/version.js';

it("the version is package.json's", () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  expect(version).toBe(manifest.version);
});

#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import load from '../dist/load-bundle.js';

await load
  .loadBundle(fileURLToPath(new URL('../dist/sluice.js', import.meta.url)))
  .bundle.main(process.argv.slice(2));

#!/usr/bin/env node
// CommonJS, as package.json beside this says: Node's loader of ES modules takes a start longer.
const { loadBundle } = require('../dist/load-bundle.js');

loadBundle(require.resolve('../dist/sluice.js')).bundle.main(process.argv.slice(2));

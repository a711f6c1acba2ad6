#!/usr/bin/env node
const { loadBundle } = require('../dist/load-bundle.js');

loadBundle(require.resolve('../dist/docker-proxy.js')).bundle.main(process.argv.slice(2));

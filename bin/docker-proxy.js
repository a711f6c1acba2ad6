#!/usr/bin/env node
// CommonJS, as package.json beside this says: Node's loader of modules alone takes longer than the start has left.
require('../dist/docker-proxy.cjs').main(process.argv[1], process.argv.slice(2));

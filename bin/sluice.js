#!/usr/bin/env node
void import('../dist/sluice.js').then(({ main }) => main(process.argv.slice(2)));

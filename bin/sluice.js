#!/usr/bin/env node
import { main } from '../dist/sluice.js';

await main(process.argv.slice(2));

import { bulk } from './bulk.js';
import { httpClose, httpKeepAlive } from './http.js';
import { idle } from './idle.js';
import { mappings } from './mappings.js';
import type { Scenario } from './scenario.js';
import { start } from './start.js';
import { udp } from './udp.js';

export const allScenarios: readonly Scenario[] = [httpKeepAlive, httpClose, bulk, udp, idle, start, mappings];

/** The conformance suite, on the splice engine. */
import { describe } from '@jest/globals';
import { spliceEngine } from './splice-under-test.js';
import { tcpBounds } from './tcp-bounds.js';
import { tcpCarrying } from './tcp-carrying.js';
import { tcpDialling } from './tcp-dialling.js';
import { udpPolicy } from './udp.js';

describe.each([0, 1, 2])('the splice engine with %d threads', (shards) => {
  tcpCarrying(spliceEngine(shards));
  tcpDialling(spliceEngine(shards));
  tcpBounds(spliceEngine(shards));
  udpPolicy(spliceEngine(shards));
});

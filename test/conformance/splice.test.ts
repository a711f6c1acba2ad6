/** The conformance suite, on the splice engine. */
import { describe } from '@jest/globals';
import { spliceEngine } from './splice-under-test.js';
import { tcpBounds } from './tcp-bounds.js';
import { tcpCarrying } from './tcp-carrying.js';
import { tcpDialling } from './tcp-dialling.js';
import { tcpTargetGone } from './tcp-target-gone.js';
import { tcpWaiting } from './tcp-waiting.js';
import { udpPolicy } from './udp.js';
import { udpWaiting } from './udp-waiting.js';

describe.each([0, 1, 2])('the splice engine with %d threads', (shards) => {
  tcpCarrying(spliceEngine(shards));
  tcpDialling(spliceEngine(shards));
  tcpBounds(spliceEngine(shards));
  tcpWaiting(spliceEngine(shards));
  tcpTargetGone(spliceEngine(shards));
  udpPolicy(spliceEngine(shards));
  udpWaiting(spliceEngine(shards));
});

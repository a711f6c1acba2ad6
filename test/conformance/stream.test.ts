/** The conformance suite, on the stream engine. */
import { describe } from '@jest/globals';
import { systemClock } from '../../src/engine/clock.js';
import { StreamEngine } from '../../src/engine/stream/stream-engine.js';
import type { StreamListener } from '../../src/engine/stream/stream-listener.js';
import { nodeBinder } from '../../src/listener/node-binder.js';
import { FakeClock } from '../support/fake-clock.js';
import type { EngineUnderTest } from './rig.js';
import { tcpBounds } from './tcp-bounds.js';
import { tcpCarrying } from './tcp-carrying.js';
import { tcpDialling } from './tcp-dialling.js';
import { tcpTargetGone } from './tcp-target-gone.js';
import { tcpWaiting } from './tcp-waiting.js';
import { udpPolicy } from './udp.js';
import { udpWaiting } from './udp-waiting.js';

const streamEngine: EngineUnderTest<StreamListener> = {
  name: 'stream',
  binder: nodeBinder,
  atFlowLimit: 'resets',
  lines: 1,
  create: (options, { heldClock }) => {
    const clock = new FakeClock();
    const engine = new StreamEngine({ ...options, clock: heldClock ? clock : systemClock });
    return { engine, clock: { advance: async (ms) => clock.advance(ms) } };
  },
};

describe('the stream engine', () => {
  tcpCarrying(streamEngine);
  tcpDialling(streamEngine);
  tcpBounds(streamEngine);
  tcpWaiting(streamEngine);
  tcpTargetGone(streamEngine);
  udpPolicy(streamEngine);
  udpWaiting(streamEngine);
});

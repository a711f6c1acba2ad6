/** The conformance suite, on the stream engine. */
import { describe } from '@jest/globals';
import { StreamEngine } from '../../src/engine/stream/stream-engine.js';
import type { StreamListener } from '../../src/engine/stream/stream-listener.js';
import { nodeBinder } from '../../src/listener/node-binder.js';
import { FakeClock } from '../support/fake-clock.js';
import type { EngineUnderTest } from './rig.js';
import { tcpBounds } from './tcp-bounds.js';
import { tcpCarrying } from './tcp-carrying.js';
import { tcpDialling } from './tcp-dialling.js';
import { udpPolicy } from './udp.js';

const streamEngine: EngineUnderTest<StreamListener> = {
  name: 'stream',
  binder: nodeBinder,
  create: (options) => {
    const clock = new FakeClock();
    const engine = new StreamEngine({ ...options, clock });
    return { engine, clock: { advance: async (ms) => clock.advance(ms) } };
  },
};

describe('the stream engine', () => {
  tcpCarrying(streamEngine);
  tcpDialling(streamEngine);
  tcpBounds(streamEngine);
  udpPolicy(streamEngine);
});

/** The conformance suite, on the splice engine. */
import { describe } from '@jest/globals';
import { SharedClock } from '../../src/engine/splice/shared-clock.js';
import { SpliceEngine } from '../../src/engine/splice/splice-engine.js';
import type { SpliceListener } from '../../src/engine/splice/splice-listener.js';
import { descriptorBinder } from '../../src/listener/descriptor-binder.js';
import type { EngineUnderTest } from './rig.js';
import { tcpBounds } from './tcp-bounds.js';
import { tcpCarrying } from './tcp-carrying.js';
import { tcpDialling } from './tcp-dialling.js';
import { udpPolicy } from './udp.js';

const spliceEngine = (shards: number): EngineUnderTest<SpliceListener> => ({
  name: 'splice',
  atFlowLimit: 'waits',
  binder: descriptorBinder(),
  create: (options, { heldClock }) => {
    const clock = new SharedClock();
    let nowMs = 1_000;
    if (heldClock) clock.holdAt(nowMs);
    const engine = new SpliceEngine({ ...options, clock, shards });
    const advance = async (ms: number) => {
      nowMs += ms;
      clock.holdAt(nowMs);
      await engine.tick();
    };
    return { engine, clock: { advance } };
  },
});

describe.each([1, 2])('the splice engine with %d shards', (shards) => {
  tcpCarrying(spliceEngine(shards));
  tcpDialling(spliceEngine(shards));
  tcpBounds(spliceEngine(shards));
  udpPolicy(spliceEngine(shards));
});

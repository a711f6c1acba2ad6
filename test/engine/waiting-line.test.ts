import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CloseEvent } from '../../src/engine/close-table.js';
import { type WaitingFlow, WaitingLine } from '../../src/engine/waiting-line.js';
import { limits } from '../../src/limits.js';
import { Counters } from '../../src/metrics/counters.js';

const most = 200;

/** A flow that does what the test says, and keeps what the line does with it. */
class Flow implements WaitingFlow<string> {
  readonly startedMs: number;
  state: 'dialling' | 'open' | 'ended' = 'dialling';
  dials = 0;
  ending: CloseEvent | undefined;
  readonly #rig: LineRig;

  constructor(rig: LineRig) {
    this.#rig = rig;
    this.startedMs = rig.nowMs;
  }

  dialAgain(): void {
    expect(this.state).not.toBe('ended');
    this.dials += 1;
    this.#rig.dialled(this);
  }

  end(event: CloseEvent): void {
    expect(this.state).not.toBe('ended');
    this.state = 'ended';
    this.ending = event;
    this.#rig.line.left(this);
  }
}

/** A line with a clock that is turned, and what flows in it are being dialled. */
class LineRig {
  nowMs = 0;
  ringAtMs = Number.POSITIVE_INFINITY;
  route = { waitMs: 10_000, targets: [] as string[], waitingFlows: most };
  readonly counters = new Counters();
  readonly troubles: string[] = [];
  readonly flows: Flow[] = [];
  /** Flows of the line that are being dialled, in the order their dials began. */
  dialling: Flow[] = [];
  readonly line: WaitingLine<string, Flow>;

  constructor() {
    this.line = new WaitingLine(this.route, {
      counters: this.counters,
      nowMs: () => this.nowMs,
      ringAt: (atMs) => {
        this.ringAtMs = atMs;
      },
      trouble: (trouble) => this.troubles.push(trouble),
    });
  }

  /** One that has failed at every address there is, or finds others before it. */
  waits(event: CloseEvent = 'dial-unreachable'): Flow {
    const flow = new Flow(this);
    this.flows.push(flow);
    if (this.line.hasPrecedence) this.line.join(flow);
    else this.line.failed(flow, event, '');
    return flow;
  }

  setRoute(targets: string[], waitMs = this.route.waitMs, waitingFlows = most): void {
    this.route = { waitMs, targets, waitingFlows };
    this.line.setRoute(this.route);
  }

  dialled(flow: Flow): void {
    this.dialling.push(flow);
  }

  opens(flow: Flow): void {
    this.#answered(flow);
    flow.state = 'open';
    this.line.opened(flow);
  }

  fails(flow: Flow, event: CloseEvent = 'dial-refused'): void {
    this.#answered(flow);
    this.line.failed(flow, event, 'ECONNREFUSED');
  }

  /** Lets time pass, ringing when the line asked for it. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.ringAtMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.ringAtMs);
      this.ringAtMs = Number.POSITIVE_INFINITY;
      this.line.ring();
    }
    this.nowMs = endMs;
  }

  get idle(): Flow[] {
    return this.flows.filter((flow) => flow.state === 'dialling' && !this.dialling.includes(flow));
  }

  #answered(flow: Flow): void {
    this.dialling = this.dialling.filter((other) => other !== flow);
  }
}

describe('the line of flows that wait', () => {
  let rig = new LineRig();
  beforeEach(() => {
    rig = new LineRig();
  });

  it('asks for nothing while nobody waits, nor after the last has gone', () => {
    rig.setRoute(['a']);
    expect(rig.ringAtMs).toBe(Number.POSITIVE_INFINITY);
    const flow = rig.waits();
    expect(rig.ringAtMs).toBe(limits.waitRetryMs);
    rig.advance(limits.waitRetryMs);
    rig.opens(flow);
    expect(rig.ringAtMs).toBe(Number.POSITIVE_INFINITY);
    rig.setRoute([]);
    rig.waits().end('client-reset');
    expect(rig.ringAtMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('wakes only for the end of the first wait while there is no address to try', () => {
    rig.nowMs = 500;
    rig.waits();
    rig.nowMs = 900;
    rig.waits();
    expect(rig.ringAtMs).toBe(10_500);
  });

  it('does not take a flow whose wait would be over, or that may not wait', () => {
    const slow = new Flow(rig);
    rig.nowMs = 10_000;
    rig.line.failed(slow, 'dial-timeout', '');
    expect(slow.ending).toBe('dial-timeout');
    rig.setRoute([], 0);
    expect(rig.waits().ending).toBe('dial-unreachable');
    expect(rig.counters.snapshot()).toMatchObject({ flowsWaited: 0, waitsOver: 0 });
  });

  it('keeps a flow its place by the time it was accepted, however late its first dial failed', () => {
    const early = new Flow(rig);
    rig.nowMs = 1_000;
    const late = rig.waits();
    rig.line.failed(early, 'dial-unreachable', '');
    rig.setRoute(['a']);
    expect(rig.dialling).toEqual([early]);
    rig.opens(early);
    expect(rig.dialling).toEqual([late]);
  });

  it('tries the target with one flow, and again with the same one a moment later', () => {
    const [first] = [rig.waits(), rig.waits(), rig.waits()];
    rig.setRoute(['a']);
    expect(rig.dialling).toEqual([first]);
    rig.fails(first);
    expect(rig.dialling).toEqual([]);
    rig.advance(limits.waitRetryMs - 1);
    expect(rig.dialling).toEqual([]);
    rig.advance(1);
    expect(rig.dialling).toEqual([first]);
  });

  it('tries with the next one too while a dial is not answered', () => {
    const [first, second] = [rig.waits(), rig.waits(), rig.waits()];
    rig.setRoute(['a']);
    rig.advance(limits.waitRetryMs);
    expect(rig.dialling).toEqual([first, second]);
  });

  it('lets the others follow a success, a bounded number at a time, and stops at a failure', () => {
    const flows = Array.from({ length: 2 * limits.waitingDials + 3 }, () => rig.waits());
    rig.setRoute(['a']);
    rig.opens(flows[0] as Flow);
    expect(rig.dialling).toEqual(flows.slice(1, limits.waitingDials + 1));
    rig.opens(rig.dialling[0] as Flow);
    expect(rig.dialling).toHaveLength(limits.waitingDials);
    rig.fails(rig.dialling[0] as Flow);
    expect(rig.dialling).toHaveLength(limits.waitingDials - 1);
  });

  it('dials a thousand in a row that are answered on the spot without one within the other', () => {
    const many = new LineRig();
    let depth = 0;
    let deepest = 0;
    many.dialled = (flow) => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      many.opens(flow);
      depth -= 1;
    };
    for (let count = 0; count < most; count += 1) many.waits();
    many.setRoute(['a']);
    expect(many.line.size).toBe(0);
    expect(deepest).toBeLessThanOrEqual(2);
  });

  it('has those to whom a new route leaves no time tried at once, in order, and the first of the others', () => {
    const late = [rig.waits(), rig.waits()];
    rig.advance(3_000);
    const early = [rig.waits(), rig.waits()];
    rig.setRoute(['a'], 2_000);
    expect(rig.dialling).toEqual([...late, early[0]]);
    for (const flow of late) rig.fails(flow);
    expect(late.map(({ ending }) => ending)).toEqual(['dial-refused', 'dial-refused']);
    expect(rig.idle).toEqual([early[1]]);
  });

  it('ends one that was never tried as the target failed for the others', () => {
    const [tried, untried] = [rig.waits(), rig.waits()];
    rig.setRoute(['a']);
    rig.fails(tried);
    rig.setRoute([]);
    rig.advance(10_000);
    expect([tried, untried].map(({ ending }) => ending)).toEqual(['dial-refused', 'dial-refused']);
  });

  it('tells of a full line, and of waits in vain, once in a while', () => {
    for (let count = 0; count < most + 2; count += 1) rig.waits();
    expect(rig.flows.slice(most).map(({ ending }) => ending)).toEqual(['wait-limit', 'wait-limit']);
    rig.advance(10_000);
    const [full = '', inVain = ''] = rig.troubles;
    expect(rig.troubles).toEqual([full, inVain]);
    expect(full).toBe(`is not there and ${most} flows wait for it: further ones are reset`);
    expect(inVain).toMatch(/^took no connection within 10s: /);
    expect(rig.counters.snapshot()).toMatchObject({
      flowsWaited: most,
      waitsOver: most,
      flowsOverWaitLimit: 2,
    });
    rig.waits();
    rig.advance(10_000);
    expect(rig.troubles).toEqual([full, inVain, inVain]);
  });

  it('takes as many as its newest route says, tells that number, and keeps those it has', () => {
    for (let count = 0; count < most; count += 1) rig.waits();
    rig.setRoute([], undefined, most / 2);
    expect(rig.waits().ending).toBe('wait-limit');
    expect(rig.troubles).toEqual([expect.stringContaining(` ${most / 2} flows wait `)]);
    expect(rig.line.size).toBe(most);
    for (const flow of rig.flows.slice(0, most / 2 + 1)) flow.end('client-reset');
    expect(rig.waits().ending).toBeUndefined();
    expect(rig.waits().ending).toBe('wait-limit');
  });
});

describe('whatever happens to a line', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('accept' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('answer' as const), pick: fc.nat(), opens: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('reset' as const), pick: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(3_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('route' as const),
        targets: fc.subarray(['a', 'b']),
        waitMs: fc.constantFrom(0, 2_000, 10_000),
      }),
    },
  );

  it('everyone is dialled in turn, none waits past its time, and the line rings only while one waits', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const rig = new LineRig();
        rig.dialled = (flow) => {
          const passedOver = rig.idle.filter((idle) => idle !== flow && idle.startedMs < flow.startedMs);
          expect(passedOver).toEqual([]);
          rig.dialling.push(flow);
        };
        for (const one of steps) {
          take(rig, one);
          // What is due by now.
          rig.advance(0);
          check(rig);
        }
      }),
      { numRuns: 500 },
    );
  });

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  function take(rig: LineRig, one: Step): void {
    if (one.kind === 'accept') rig.waits();
    else if (one.kind === 'advance') rig.advance(one.ms);
    else if (one.kind === 'route') rig.setRoute(one.targets, one.waitMs);
    else if (one.kind === 'answer') answer(rig, rig.dialling[one.pick % rig.dialling.length], one.opens);
    else reset(rig, one.pick);
  }

  function answer(rig: LineRig, flow: Flow | undefined, opens: boolean): void {
    if (flow === undefined) return;
    if (opens) rig.opens(flow);
    else rig.fails(flow);
  }

  function reset(rig: LineRig, pick: number): void {
    const waiting = rig.flows.filter(({ state }) => state === 'dialling');
    const flow = waiting[pick % waiting.length];
    rig.dialling = rig.dialling.filter((other) => other !== flow);
    flow?.end('client-reset');
  }

  function check(rig: LineRig): void {
    const { idle, nowMs, route } = rig;
    for (const flow of idle) expect(flow.startedMs + route.waitMs).toBeGreaterThanOrEqual(nowMs);
    expect(rig.line.size).toBe(rig.flows.filter(({ state }) => state === 'dialling').length);
    expect(rig.line.size).toBeLessThanOrEqual(most);
    if (idle.length === 0) expect(rig.ringAtMs).toBe(Number.POSITIVE_INFINITY);
    else
      expect(rig.ringAtMs).toBeLessThanOrEqual(
        Math.min(...idle.map(({ startedMs }) => startedMs)) + route.waitMs,
      );
    if (route.waitMs > 0)
      expect(rig.dialling.length).toBeLessThanOrEqual(Math.max(limits.waitingDials, most));
  }
});

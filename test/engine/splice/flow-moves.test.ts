/**
 * Flows on their way between three shards, in whatever order things come: the main thread's side is the real one, shards
 * are sets of flows whose commands and reports wait until their turn comes.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressKey } from '../../../src/engine/address-key.js';
import type { TargetAddress } from '../../../src/engine/engine.js';
import { FlowMoves } from '../../../src/engine/splice/flow-moves.js';
import type { MovedFlow } from '../../../src/engine/splice/moved-flow.js';
import type { Command, LiveReport } from '../../../src/engine/splice/shard-messages.js';
import { movedFlow } from '../../support/shards.js';
import { endpointOf } from '../../support/tcp-peers.js';

const places = [0, 1, 2] as const;
type Place = (typeof places)[number];

/** Flows that a shard has room for. */
const room = 4;
const addresses = [80, 81].map((port): TargetAddress => ({ kind: 'ip', ...endpointOf('127.0.0.1', port) }));

/** Flows are numbers, their descriptors'; even ones go to the first address, odd ones to the second. */
function addressOf(flow: number): TargetAddress {
  const address = addresses[flow % 2];
  if (address === undefined) throw new Error('unreachable');
  return address;
}

const flowsIn = (moved: readonly MovedFlow[]) => moved.map(({ client }) => client.descriptor);

interface Shard {
  alive: boolean;
  readonly flows: Set<number>;
  /** Given, and not known to be another's yet. */
  away: number;
  readonly commands: Command[];
  readonly reports: LiveReport[];
}

function newShard(): Shard {
  return { alive: true, flows: new Set(), away: 0, commands: [], reports: [] };
}

class Model {
  readonly shards: Record<Place, Shard> = { 0: newShard(), 1: newShard(), 2: newShard() };
  /** Whose the sockets of each open flow are. */
  readonly owners = new Map<number, number>();
  /** Of each place, what it has counted as begun and not ended. */
  readonly counted: Record<Place, number> = { 0: 0, 1: 0, 2: 0 };
  /** To an address that is nobody's any more. */
  readonly mustEnd = new Set<number>();
  lost = 0;
  crossed = 0;
  #flows = 0;

  readonly moves = new FlowMoves(1, {
    send: (place, command) => this.#send(place as Place, command),
    hand: (place, command) => {
      for (const flow of flowsIn(command.flows)) {
        expect(this.owners.has(flow)).toBe(true);
        this.owners.set(flow, place);
      }
      return this.#send(place as Place, command);
    },
    lost: (moved) => {
      for (const flow of flowsIn(moved)) expect(this.owners.delete(flow)).toBe(true);
      this.lost += moved.length;
    },
  });

  /** What may happen at a place. */
  readonly steps = {
    open: (place: Place) => {
      const { alive, flows, away } = this.shards[place];
      if (!alive || flows.size + away >= room) return;
      this.#flows += 1;
      flows.add(this.#flows);
      this.owners.set(this.#flows, place);
      this.counted[place] += 1;
    },
    end: (place: Place) => {
      const [flow] = this.shards[place].flows;
      if (flow !== undefined) this.#end(place, flow);
    },
    begin: (place: Place, other: Place) => {
      if (place !== other) this.moves.begin(place, other, 2);
    },
    obey: (place: Place) => {
      const command = this.shards[place].commands.shift();
      if (command !== undefined) this.#obey(place, command);
    },
    hear: (place: Place) => {
      const report = this.shards[place].reports.shift();
      if (report !== undefined) this.#hear(place, report);
    },
    /** What it had reported is heard before. */
    die: (place: Place) => {
      const { alive, reports } = this.shards[place];
      if (!alive) return;
      for (const report of reports.splice(0)) this.#hear(place, report);
      this.shards[place] = { ...newShard(), alive: false };
      const own = [...this.owners].filter(([, owner]) => owner === place);
      for (const [flow] of own) this.owners.delete(flow);
      expect(this.counted[place] + this.moves.shardLost(place)).toBe(own.length);
      this.counted[place] -= own.length;
    },
    restart: (place: Place) => {
      if (!this.shards[place].alive) this.shards[place] = newShard();
    },
    gone: (place: Place) => {
      const address = addressOf(place);
      for (const flow of this.owners.keys()) if (addressOf(flow) === address) this.mustEnd.add(flow);
      for (const each of places) this.#send(each, { kind: 'gone', service: 1, addresses: [address] });
      this.moves.targetsGone([address]);
    },
  };

  /** Until nothing is on its way any more. */
  settle(): void {
    while (places.some((place) => this.#hasNews(place))) {
      for (const place of places) {
        this.steps.obey(place);
        this.steps.hear(place);
      }
    }
  }

  #hasNews(place: Place): boolean {
    const { commands, reports } = this.shards[place];
    return commands.length + reports.length > 0;
  }

  #send(place: Place, command: Command): boolean {
    const { alive, commands } = this.shards[place];
    if (alive) commands.push(command);
    return alive;
  }

  #obey(place: Place, command: Command): void {
    const shard = this.shards[place];
    if (command.kind === 'give') {
      const given = [...shard.flows].filter((_, nth) => nth % command.oneIn === 0);
      for (const flow of given) shard.flows.delete(flow);
      shard.away += given.length;
      shard.reports.push({ kind: 'given', service: 1, to: command.to, flows: given.map(movedFlow) });
    } else if (command.kind === 'take') {
      const free = Math.max(0, room - shard.flows.size - shard.away);
      this.crossed += free;
      this.#goOnWith(place, command.flows.slice(0, free), command.gone);
      const back = command.flows.slice(free);
      shard.reports.push({ kind: 'taken', service: 1, from: command.from, back });
    } else if (command.kind === 'moved') {
      shard.away -= command.given;
      this.#goOnWith(place, command.flows, command.gone);
    } else if (command.kind === 'gone') this.#endThoseTo(place, command.addresses);
  }

  #goOnWith(place: Place, moved: readonly MovedFlow[], gone: readonly TargetAddress[]): void {
    for (const flow of flowsIn(moved)) {
      expect(this.owners.get(flow)).toBe(place);
      this.shards[place].flows.add(flow);
      if (gone.some((address) => addressKey(address) === addressKey(addressOf(flow)))) this.#end(place, flow);
    }
  }

  #endThoseTo(place: Place, gone: readonly TargetAddress[]): void {
    for (const flow of this.shards[place].flows) if (gone.includes(addressOf(flow))) this.#end(place, flow);
  }

  #end(place: Place, flow: number): void {
    this.shards[place].flows.delete(flow);
    expect(this.owners.delete(flow)).toBe(true);
    this.counted[place] -= 1;
  }

  #hear(place: Place, report: LiveReport): void {
    if (report.kind === 'given') this.moves.given(place, report.to, report.flows);
    else if (report.kind === 'taken') this.moves.taken(report.from, place, report.back);
  }
}

test('in every order none is lost without a word, counted wrong, or waited for in vain', () => {
  const seen = { lost: 0, crossed: 0 };
  const kinds = Object.keys(new Model().steps) as (keyof Model['steps'])[];
  const often = ['open', 'begin', 'obey', 'hear'] as const;
  const step = fc.record({
    kind: fc.constantFrom(...kinds, ...often, ...often, ...often),
    place: fc.constantFrom(...places),
    other: fc.constantFrom(...places),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const model = new Model();
      const sum = () => places.reduce<number>((all, place) => all + model.counted[place], 0);
      for (const { kind, place, other } of steps) {
        model.steps[kind](place, other);
        expect(sum() - model.lost).toBe(model.owners.size);
        for (const each of places) {
          const { flows, away } = model.shards[each];
          expect(flows.size + away).toBeLessThanOrEqual(room);
        }
      }
      model.settle();
      expect(model.moves.areUnderWay).toBe(false);
      const had = places.flatMap((place) => [...model.shards[place].flows]);
      expect(had.sort()).toEqual([...model.owners.keys()].sort());
      expect(places.map((place) => model.shards[place].away)).toEqual([0, 0, 0]);
      expect([...model.mustEnd].filter((flow) => model.owners.has(flow))).toEqual([]);
      seen.lost += model.lost;
      seen.crossed += model.crossed;
    }),
    { numRuns: 500 },
  );
  // It is no proof where nothing happens.
  expect(seen.crossed).toBeGreaterThan(100);
  expect(seen.lost).toBeGreaterThan(0);
});

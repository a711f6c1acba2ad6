/** The command line of `npm run bench`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '../src/errors.js';
import { allPeers } from './peers/all.js';
import type { Peer } from './peers/peer.js';
import { sluiceBefore } from './peers/sluice.js';
import { allScenarios } from './scenarios/all.js';
import type { Scenario } from './scenarios/scenario.js';

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  readonly json: string | undefined;
  readonly help: boolean;
}

const most = { rounds: 100, seconds: 600 } as const;

export const usage = `npm run bench -- [options]

  --scenario NAME   only this one; may be repeated [${allScenarios.map(({ name }) => name).join(', ')}]
  --peer NAME       only this one; may be repeated [${allPeers.map(({ name }) => name).join(', ')}]
  --before FOLDER   beside this sluice also another checkout of it, built: sluice-before
  --rounds N        how often each peer has its turn [5]
  --seconds N       how long each turn of a load lasts [5]; wrk and iperf3 take whole seconds
  --json FILE       also write the machine's facts and every round to a file
  --help            this text`;

/** @throws SluiceError SLUICE_USAGE that names the option */
export function parseOptions(args: readonly string[]): Options {
  const { scenario, peer, before, rounds, seconds, json, help } = valuesOf(args);
  const others = before === undefined ? [] : [sluiceBefore(resolve(before))];
  return {
    scenarios: chosen('--scenario', allScenarios, scenario),
    peers: [...chosen('--peer', allPeers, peer), ...others],
    rounds: numberOf('--rounds', rounds, most.rounds, Number.isSafeInteger),
    seconds: numberOf('--seconds', seconds, most.seconds, Number.isFinite),
    json,
    help,
  };
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string', multiple: true },
        peer: { type: 'string', multiple: true },
        before: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    // parseArgs explains positional arguments at length in further sentences.
    const [sentence = ''] = String(error instanceof Error ? error.message : error).split('. ');
    throw new SluiceError('SLUICE_USAGE', `${sentence}; see npm run bench -- --help`, { cause: error });
  }
}

function chosen<T extends { readonly name: string }>(
  option: string,
  all: readonly T[],
  asked: readonly string[] | undefined,
): readonly T[] {
  const names = asked?.flatMap((text) => text.split(','));
  const unknown = names?.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new SluiceError(
      'SLUICE_USAGE',
      `${option} ${unknown}: it is one of ${all.map(({ name }) => name).join(', ')}`,
    );
  }
  return names === undefined ? all : all.filter(({ name }) => names.includes(name));
}

function numberOf(option: string, text: string, largest: number, fits: (value: number) => boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!fits(value) || value <= 0 || value > largest) {
    throw new SluiceError('SLUICE_USAGE', `${option} ${text}: it must be above 0 and at most ${largest}`);
  }
  return value;
}

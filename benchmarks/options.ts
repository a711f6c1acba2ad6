/** The command line of `npm run bench`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '../src/errors.js';
import {
  fullSizes,
  leastRounds,
  type Pace,
  quickPace,
  quickSizes,
  type Sizes,
  warmUpSeconds,
} from './bounds.js';
import { allPeers, quickPeers } from './peers/all.js';
import type { Peer } from './peers/peer.js';
import { sluiceBefore } from './peers/sluice.js';
import { allScenarios, quickScenarios } from './scenarios/all.js';
import type { Scenario } from './scenarios/scenario.js';

export interface RunOptions {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly Peer[];
  readonly sizes: Sizes;
  readonly pace: Pace;
  readonly ownSessions: boolean;
  readonly json: string | undefined;
}

export type Asked =
  | { readonly kind: 'help' }
  | { readonly kind: 'compare'; readonly before: string; readonly after: string }
  | { readonly kind: 'render'; readonly file: string }
  | ({ readonly kind: 'run' } & RunOptions);

const most = { rounds: 100, seconds: 600 } as const;

export const usage = `npm run bench -- [options]

  --scenario NAME   only this one; may be repeated [${allScenarios.map(({ name }) => name).join(', ')}]
  --peer NAME       only this one; may be repeated [${allPeers.map(({ name }) => name).join(', ')}]
  --before FOLDER   beside this sluice also another checkout of it, built: sluice-before
  --rounds N        how often each peer has its turn, ${leastRounds} at least [5]
  --seconds N       how long each turn of a load lasts [1]; wrk and iperf3 take whole seconds
  --own-sessions    each program in a session of its own, as services are: the kernel may share processors out by sessions
  --quick           a few scenarios, within a minute
  --json FILE.json  also keep the machine's facts and every round, and beside them a picture, light and dark

npm run bench -- --compare BEFORE.json AFTER.json    what moved beyond the noise between two results
npm run bench -- --render FILE.json                  draw a result's picture anew, and put its figures into the documents
npm run bench -- --help                              this text`;

/** @throws SluiceError SLUICE_USAGE that names the option */
export function parseOptions(args: readonly string[]): Asked {
  const { values, positionals } = valuesOf(args);
  if (values.help) return { kind: 'help' };
  const [before, after] = positionals;
  if (values.compare) {
    if (before === undefined || after === undefined || positionals.length > 2) {
      throw new SluiceError('SLUICE_USAGE', '--compare takes two files: BEFORE.json AFTER.json');
    }
    return { kind: 'compare', before, after };
  }
  if (before !== undefined) {
    throw new SluiceError(
      'SLUICE_USAGE',
      `${before}: only --compare takes files; see npm run bench -- --help`,
    );
  }
  if (values.render !== undefined) return { kind: 'render', file: jsonFile('--render', values.render) };
  return { kind: 'run', ...runOptions(values) };
}

type Values = ReturnType<typeof valuesOf>['values'];

function runOptions(values: Values): RunOptions {
  const { scenario, peer, before, rounds, seconds, json, quick, 'own-sessions': ownSessions } = values;
  const others = before === undefined ? [] : [sluiceBefore(resolve(before))];
  const pace = quick ? quickPace : { rounds: 5, seconds: 1, warmUpSeconds };
  return {
    scenarios: chosen('--scenario', allScenarios, scenario) ?? (quick ? quickScenarios : allScenarios),
    peers: [...(chosen('--peer', allPeers, peer) ?? (quick ? quickPeers : allPeers)), ...others],
    sizes: quick ? quickSizes : fullSizes,
    pace: {
      ...pace,
      rounds: numberOf('--rounds', rounds, pace.rounds, { ...wholeRounds, most: most.rounds }),
      seconds: numberOf('--seconds', seconds, pace.seconds, { ...anySeconds, most: most.seconds }),
    },
    ownSessions,
    json: json === undefined ? undefined : jsonFile('--json', json),
  };
}

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        scenario: { type: 'string', multiple: true },
        peer: { type: 'string', multiple: true },
        before: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        'own-sessions': { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        compare: { type: 'boolean', default: false },
        render: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
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
): readonly T[] | undefined {
  const names = asked?.flatMap((text) => text.split(','));
  const unknown = names?.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new SluiceError(
      'SLUICE_USAGE',
      `${option} ${unknown}: it is one of ${all.map(({ name }) => name).join(', ')}`,
    );
  }
  return names === undefined ? undefined : all.filter(({ name }) => names.includes(name));
}

interface Range {
  readonly fits: (value: number) => boolean;
  readonly words: string;
  readonly most: number;
}

const wholeRounds = {
  fits: (value: number) => Number.isSafeInteger(value) && value >= leastRounds,
  words: `a whole number, ${leastRounds} at least, since one alone has no spread,`,
};
const anySeconds = { fits: (value: number) => Number.isFinite(value) && value > 0, words: 'above 0' };

function numberOf(option: string, text: string | undefined, usual: number, range: Range): number {
  if (text === undefined) return usual;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!range.fits(value) || value > range.most) {
    throw new SluiceError(
      'SLUICE_USAGE',
      `${option} ${text}: it must be ${range.words} and at most ${range.most}`,
    );
  }
  return value;
}

/** The picture's files are named after it. */
function jsonFile(option: string, path: string): string {
  if (!path.endsWith('.json'))
    throw new SluiceError('SLUICE_USAGE', `${option} ${path}: it must end in .json`);
  return path;
}

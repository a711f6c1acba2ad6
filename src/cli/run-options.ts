/** The options of `sluice run`, as data: for the parser that explains them and for the one that is quick. */
import { type EngineChoice, engineChoices } from '../instance/engine-choice.js';
import { limits } from '../limits.js';
import { type LogLevel, logLevels } from '../log/log-level.js';
import type { OptionTable } from './option-table.js';

export const runOptionTable = {
  publish: {
    alias: 'p',
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'Publish a port, as docker run -p: [[host-ip:]host-port:]target-port[/proto]; may be repeated',
  },
  in: {
    type: 'string',
    requiresArg: true,
    describe: "Listen inside this container's network (or netns:/path, netns:pid:PID), not the host's",
  },
  'publish-all': {
    alias: 'P',
    type: 'boolean',
    default: false,
    describe: `Publish every port that the container exposes, on free ports of ${limits.publishAllFirst}-${limits.publishAllLast}`,
  },
  network: {
    type: 'string',
    requiresArg: true,
    describe: "Which of a container's networks to reach it by [Docker's choice]",
  },
  config: { type: 'string', requiresArg: true, describe: 'Publish what a JSON mapping file says' },
  name: {
    type: 'string',
    requiresArg: true,
    describe: 'What this instance is called, in the log and by sluice ls, port, …',
  },
  'connect-timeout': {
    type: 'string',
    requiresArg: true,
    describe: 'Bound of one dial to the target [10s]',
  },
  wait: {
    type: 'string',
    requiresArg: true,
    describe: 'How long a new flow waits for a target that is absent [10s]; 0s: never',
  },
  'idle-timeout': {
    type: 'string',
    requiresArg: true,
    describe: 'Reset a TCP flow idle for so long [never]',
  },
  'udp-timeout': {
    type: 'string',
    requiresArg: true,
    describe: 'Forget a UDP client quiet for so long [90s]',
  },
  'max-flows': {
    type: 'string',
    requiresArg: true,
    describe: `Flows at once on each listener [${limits.flowsPerMapping}]`,
  },
  'drain-timeout': {
    type: 'string',
    requiresArg: true,
    default: '10s',
    describe: 'On SIGTERM or Ctrl-C, how long flows may take to finish',
  },
  shards: {
    type: 'string',
    requiresArg: true,
    describe:
      'Threads that forward, in the splice engine; 0: the main one; auto: that one, and more while busy [auto]',
  },
  engine: {
    choices: engineChoices,
    requiresArg: true,
    default: 'auto' as const,
    describe: 'What moves the bytes',
  },
  'log-level': {
    choices: logLevels,
    requiresArg: true,
    default: 'info' as const,
    describe: 'Least level that is logged',
  },
  'access-log': {
    type: 'boolean',
    default: true,
    describe: 'Log the end of each flow (--no-access-log: not)',
  },
  control: {
    type: 'boolean',
    default: true,
    describe: 'Let sluice ls, port, logs, publish, … reach this instance (--no-control: not)',
  },
} as const satisfies OptionTable;

/** What `sluice run` was asked to do, as text: run-request.ts reads it. */
export interface RunOptions {
  readonly target?: string | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly in?: string | undefined;
  readonly publishAll: boolean;
  readonly network?: string | undefined;
  readonly config?: string | undefined;
  readonly name?: string | undefined;
  readonly connectTimeout?: string | undefined;
  readonly wait?: string | undefined;
  readonly idleTimeout?: string | undefined;
  readonly udpTimeout?: string | undefined;
  readonly maxFlows?: string | undefined;
  readonly drainTimeout: string;
  readonly shards?: string | undefined;
  readonly engine: EngineChoice;
  readonly logLevel: LogLevel;
  readonly accessLog: boolean;
  readonly control: boolean;
}

/** The options of each command, as data: for the parser, and for shell completion. */
import type { Options } from 'yargs';
import type { OptionTable } from './option-table.js';
import { runOptionTable } from './run-options.js';

export const checkOptionTable = {
  format: {
    choices: ['text', 'json'] as const,
    requiresArg: true,
    default: 'text' as const,
    describe: 'How to show it',
  },
} as const satisfies OptionTable;

export const lsOptionTable = {
  quiet: { alias: 'q', type: 'boolean', default: false, describe: 'Names only' },
  format: {
    choices: ['table', 'json'] as const,
    requiresArg: true,
    default: 'table' as const,
    describe: 'How to show them',
  },
} as const satisfies OptionTable;

export const logsOptionTable = {
  follow: {
    alias: 'f',
    type: 'boolean',
    default: false,
    describe: 'Go on with what comes, until Ctrl-C or the end of the instance',
  },
  tail: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    default: 'all',
    describe: 'How many of the latest records to begin with',
  },
} as const satisfies OptionTable;

export const inspectOptionTable = {
  config: {
    type: 'boolean',
    default: false,
    describe: 'Print a mapping file that publishes the same, on the same ports',
  },
} as const satisfies OptionTable;

export const publishOptionTable = {
  publish: {
    alias: 'p',
    type: 'string',
    array: true,
    requiresArg: true,
    demandOption: true,
    describe: 'What to publish, as docker run -p; may be repeated',
  },
  to: {
    type: 'string',
    requiresArg: true,
    describe: 'Where it leads, if the instance leads to several targets or to another one',
  },
  network: {
    type: 'string',
    requiresArg: true,
    describe: "Which of a container's networks to reach it by [the instance's]",
  },
  in: {
    type: 'string',
    requiresArg: true,
    describe: "The container, netns:/path or netns:pid:PID to listen inside of [the instance's]",
  },
} as const satisfies OptionTable;

const time = {
  alias: 't',
  type: 'string',
  requiresArg: true,
  describe: "How long flows may take to finish [the instance's --drain-timeout]",
} as const satisfies Options;

export const unpublishOptionTable = { time } as const satisfies OptionTable;
export const stopOptionTable = { time } as const satisfies OptionTable;

export const optionTables: Readonly<Record<string, OptionTable>> = {
  run: runOptionTable,
  check: checkOptionTable,
  ls: lsOptionTable,
  logs: logsOptionTable,
  inspect: inspectOptionTable,
  publish: publishOptionTable,
  unpublish: unpublishOptionTable,
  stop: stopOptionTable,
};

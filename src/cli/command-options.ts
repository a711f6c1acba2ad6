/** What each command takes, as data: for the parser, for what is said of a wrong line, and for shell completion. */
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

export interface CommandForm {
  readonly positionals: string;
  readonly options: OptionTable;
}

/** What each command takes. */
export const commandForms = {
  run: { positionals: '[target]', options: runOptionTable },
  check: { positionals: '[file]', options: checkOptionTable },
  schema: { positionals: '', options: {} },
  demo: { positionals: '', options: {} },
  ls: { positionals: '', options: lsOptionTable },
  port: { positionals: '<name> [port]', options: {} },
  logs: { positionals: '<name>', options: logsOptionTable },
  inspect: { positionals: '<name>', options: inspectOptionTable },
  publish: { positionals: '<name>', options: publishOptionTable },
  unpublish: { positionals: '<name> <ports..>', options: unpublishOptionTable },
  stop: { positionals: '<names..>', options: stopOptionTable },
  completion: { positionals: '<shell>', options: {} },
} as const satisfies Readonly<Record<string, CommandForm>>;

export type CommandName = keyof typeof commandForms;
export const commandNames = Object.keys(commandForms) as readonly CommandName[];

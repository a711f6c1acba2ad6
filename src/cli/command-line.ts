/** The whole command line: every command, its help, and what is said of a wrong one. */
import yargs, { type Argv } from 'yargs';
import { limits } from '../limits.js';
import { version } from '../version.js';
import type { Action, AddCommand, Choose } from './add-command.js';
import {
  type CommandForm,
  type CommandName,
  checkOptionTable,
  commandForms,
  commandNames,
} from './command-options.js';
import { instanceCommands } from './instance-commands.js';
import { printAnswer } from './print-answer.js';
import { readableWords, takeMarksOff, withMarks, withoutMarks } from './readable-words.js';
import { refuseRepeated } from './refuse-repeated.js';
import { run } from './run.js';
import { runOptionTable } from './run-options.js';
import { completeCommand } from './shells.js';
import { type Asked, usageFault } from './usage-fault.js';

/**
 * Runs a command line.
 *
 * @throws SluiceError SLUICE_USAGE, or what the command throws
 */
export async function commandLine(argv: readonly string[]): Promise<void> {
  if (argv[0] === completeCommand) {
    const { complete } = await import('./complete.js');
    await complete(argv.slice(argv[1] === '--' ? 2 : 1));
    return;
  }
  let chosen: Action = () => undefined;
  const { parser, words } = parserFor(argv, (action) => {
    chosen = action;
  });
  // Without a function that takes it, yargs prints help by console.log, which is silent about a full disk.
  parser.parseSync(withMarks(words), {}, (_error, _options, help) => {
    if (help !== '') printAnswer(`${help}\n`);
  });
  await chosen();
}

const commands: Readonly<Record<CommandName, AddCommand>> = {
  run: (parser, form, choose) =>
    parser.command(form, 'Publish ports of a target, or of a mapping file', runOptions, (options) =>
      choose(() => run(options)),
    ),
  check: (parser, form, choose) =>
    parser.command(form, 'Check a mapping file and show what it would publish', checkOptions, (options) =>
      choose(async () => {
        const { check } = await import('./check.js');
        check(options.file, options.format);
      }),
    ),
  schema: (parser, form, choose) =>
    parser.command(form, "Print the mapping file's JSON Schema, for editors", {}, () =>
      choose(async () => {
        const { printSchema } = await import('./print-schema.js');
        printSchema();
      }),
    ),
  demo: (parser, form, choose) =>
    parser.command(form, 'Publish a small built-in target and say what to try', {}, () =>
      choose(async () => {
        const { demo } = await import('./demo.js');
        await demo();
      }),
    ),
  ...instanceCommands,
};

/**
 * A line that starts with a command's name is read by a parser for that command alone: one that knows several lays out
 * the whole help text whenever a command is chosen, in case it is needed later, and a sidecar's start would wait for it.
 */
function parserFor(
  argv: readonly string[],
  choose: Choose,
): { readonly parser: Argv; readonly words: readonly string[] } {
  const [first, ...rest] = argv;
  const command = commandNames.find((name) => name === first);
  if (command !== undefined) {
    const form: CommandForm = commandForms[command];
    const program = `sluice ${command}`;
    const words = readableWords(rest, form.options);
    const parser = newParser({ ...form, program, commands: [], words });
    return { parser: commands[command](parser, `$0 ${form.positionals}`.trim(), choose), words };
  }
  const words = readableWords(argv, {});
  const overview = newParser({
    program: 'sluice',
    positionals: 'COMMAND',
    options: {},
    commands: commandNames,
    words,
  })
    .usage(
      '$0 COMMAND\n\nPublishes ports: binds them on this host and forwards TCP and UDP to where you say.',
    )
    .demandCommand(1, 'Which command? See sluice --help')
    .strictCommands();
  const parser = commandNames.reduce(
    (before, name) => commands[name](before, `${name} ${commandForms[name].positionals}`.trim(), choose),
    overview,
  );
  return { parser, words };
}

function newParser(asked: Asked): Argv {
  // It would ask for the folder, which may be gone and is of no use to it.
  return yargs([], '/')
    .scriptName(asked.program)
    .parserConfiguration({
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .strict()
    .locale('en')
    .wrap(Math.max(limits.helpColumnsLeast, Math.min(limits.helpColumnsMost, process.stdout.columns ?? 80)))
    .fail((message, error) => {
      if (error instanceof Error && error.name !== 'YError') throw error;
      throw usageFault(withoutMarks(message), asked);
    })
    .middleware(takeMarksOff)
    .version(version)
    .help()
    .alias('help', 'h')
    .exitProcess(false);
}

function runOptions(builder: Argv) {
  return builder
    .positional('target', {
      type: 'string',
      describe: 'Where the ports lead: a container, an IP address, a DNS name, unix:/path or netns:/path',
    })
    .options(runOptionTable)
    .check(refuseRepeated)
    .example('$0 -p 8080:80 web', 'port 8080 of every address leads to port 80 of the container web')
    .example('$0 -P web', 'every port that it exposes')
    .example('$0 -p 127.0.0.1::80 -p 5353:53/udp db.internal', 'a free port, and a UDP one')
    .example('$0 --config mappings.json', 'everything the file says');
}

function checkOptions(builder: Argv) {
  return builder
    .positional('file', { type: 'string', describe: 'A JSON mapping file' })
    .options(checkOptionTable)
    .check(refuseRepeated);
}

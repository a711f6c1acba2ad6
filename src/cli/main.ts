/** The command line: argv -> one command, loaded only when it is asked for. */
import yargs, { type Argv } from 'yargs';
import { SluiceError } from '../errors.js';
import { engineChoices } from '../instance/engine-choice.js';
import { limits } from '../limits.js';
import { logLevels } from '../log/log-level.js';
import { version } from '../version.js';
import { tellError } from './tell-error.js';

/** Runs a command line and leaves its exit code in `process.exitCode`. Never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await commandLine(argv).parseAsync();
  } catch (error) {
    process.exitCode = tellError(error);
  }
}

function commandLine(argv: readonly string[]): Argv {
  return yargs([...argv])
    .scriptName('sluice')
    .usage(
      '$0 COMMAND\n\nPublishes ports: binds them on this host and forwards TCP and UDP to where you say.',
    )
    .parserConfiguration({
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .command(
      'run [target]',
      'Publish ports of a target, or of a mapping file',
      runOptions,
      async (options) => {
        const { run } = await import('./run.js');
        process.exitCode = await run(options);
      },
    )
    .command(
      'check [file]',
      'Check a mapping file and show what it would publish',
      checkOptions,
      async (options) => {
        const { check } = await import('./check.js');
        check(options.file, options.format);
      },
    )
    .command('schema', "Print the mapping file's JSON Schema, for editors", {}, async () => {
      const { printSchema } = await import('./print-schema.js');
      printSchema();
    })
    .command('demo', 'Publish a small built-in target and say what to try', {}, async () => {
      const { demo } = await import('./demo.js');
      process.exitCode = await demo();
    })
    .demandCommand(1, 'Which command? See sluice --help')
    .strictCommands()
    .strict()
    .locale('en')
    .wrap(Math.min(110, process.stdout.columns ?? 80))
    .fail((message, error) => {
      // yargs spreads some messages over several lines.
      throw error ?? new SluiceError('SLUICE_USAGE', message.trim().replace(/\s*\n\s*/g, ' '));
    })
    .version(version)
    .help()
    .alias('help', 'h')
    .exitProcess(false);
}

/** What `sluice run` was asked to do, as text: run.ts parses it. */
export type RunOptions = Awaited<ReturnType<typeof runOptions>['argv']>;

function runOptions(builder: Argv) {
  return builder
    .positional('target', {
      type: 'string',
      describe: 'Where the ports lead: an IP address, a DNS name or unix:/path',
    })
    .options({
      publish: {
        alias: 'p',
        type: 'string',
        array: true,
        requiresArg: true,
        describe:
          'Publish a port, as docker run -p: [[host-ip:]host-port:]target-port[/proto]; may be repeated',
      },
      config: { type: 'string', requiresArg: true, describe: 'Publish what a JSON mapping file says' },
      name: { type: 'string', requiresArg: true, describe: 'What this instance is called in the log' },
      'connect-timeout': {
        type: 'string',
        requiresArg: true,
        describe: 'Bound of one dial to the target [10s]',
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
        describe: `Threads of the splice engine [${limits.shards}]`,
      },
      engine: { choices: engineChoices, default: 'auto' as const, describe: 'What moves the bytes' },
      'log-level': { choices: logLevels, default: 'info' as const, describe: 'Least level that is logged' },
      'access-log': {
        type: 'boolean',
        default: true,
        describe: 'Log the end of each flow (--no-access-log: not)',
      },
    })
    .check(refuseRepeated)
    .example('$0 run -p 8080:80 172.17.0.2', 'port 8080 of every address leads to port 80 there')
    .example('$0 run -p 127.0.0.1::80 -p 5353:53/udp db.internal', 'a free port, and a UDP one')
    .example('$0 run --config mappings.json', 'everything the file says');
}

/** All options but -p have one value: yargs would hand several over as a list. */
function refuseRepeated(options: Readonly<Record<string, unknown>>): true {
  const specs = options['publish'];
  if (Array.isArray(specs) && !specs.every((spec) => typeof spec === 'string')) {
    throw new SluiceError('SLUICE_USAGE', 'Unknown argument: no-publish');
  }
  for (const [option, value] of Object.entries(options)) {
    if (option === 'publish' || option === 'p' || option === '_') continue;
    if (Array.isArray(value)) {
      throw new SluiceError(
        'SLUICE_USAGE',
        `--${option} was given ${value.length} times: it takes one value`,
      );
    }
  }
  return true;
}

function checkOptions(builder: Argv) {
  return builder.positional('file', { type: 'string', describe: 'A JSON mapping file' }).option('format', {
    choices: ['text', 'json'] as const,
    default: 'text' as const,
    describe: 'How to show it',
  });
}

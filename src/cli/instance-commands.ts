/** The commands that speak to running instances. */
import type { Argv } from 'yargs';
import type { AddCommand } from './add-command.js';
import {
  inspectOptionTable,
  logsOptionTable,
  lsOptionTable,
  publishOptionTable,
  stopOptionTable,
  unpublishOptionTable,
} from './command-options.js';
import { refuseRepeated } from './refuse-repeated.js';
import { shells } from './shells.js';

const nameOf = 'The name of an instance';
const nameOrBeginning = `${nameOf}, or the beginning of it`;

export const instanceCommands = {
  ls: (parser, form, choose) =>
    parser.command(form, 'List the instances that run', lsOptions, (options) =>
      choose(async () => (await import('./ls.js')).ls(options)),
    ),
  port: (parser, form, choose) =>
    parser.command(form, 'List the ports of an instance, or one of them', portOptions, (options) =>
      choose(async () => (await import('./port.js')).port(options.name, options.port)),
    ),
  logs: (parser, form, choose) =>
    parser.command(form, 'Show the access log of an instance', logsOptions, (options) =>
      choose(async () => (await import('./logs.js')).logs(options)),
    ),
  inspect: (parser, form, choose) =>
    parser.command(form, 'Show all that an instance knows, as JSON', inspectOptions, (options) =>
      choose(async () => (await import('./inspect.js')).inspect(options.name, options.config)),
    ),
  publish: (parser, form, choose) =>
    parser.command(form, 'Publish more ports of a running instance', publishOptions, (options) =>
      choose(async () => (await import('./publish.js')).publish(options)),
    ),
  unpublish: (parser, form, choose) =>
    parser.command(form, 'Free ports of a running instance', unpublishOptions, (options) =>
      choose(async () => (await import('./publish.js')).unpublish(options)),
    ),
  stop: (parser, form, choose) =>
    parser.command(form, 'End instances as SIGTERM does, and wait for it', stopOptions, (options) =>
      choose(async () => (await import('./stop.js')).stop(options.names, options.time)),
    ),
  completion: (parser, form, choose) =>
    parser.command(form, 'Print the completion script of a shell', completionOptions, (options) =>
      choose(async () => (await import('./completion.js')).completion(options.shell)),
    ),
} as const satisfies Readonly<Record<string, AddCommand>>;

/** What changes an instance takes its whole name. */
function instanceName(builder: Argv, describe = nameOf) {
  return builder.positional('name', { type: 'string', demandOption: true, describe });
}

function lsOptions(builder: Argv) {
  return builder.options(lsOptionTable).check(refuseRepeated);
}

function portOptions(builder: Argv) {
  return instanceName(builder, nameOrBeginning)
    .positional('port', { type: 'string', describe: 'A port at the target: 80, 53/udp' })
    .check(refuseRepeated);
}

function logsOptions(builder: Argv) {
  return instanceName(builder, nameOrBeginning).options(logsOptionTable).check(refuseRepeated);
}

function inspectOptions(builder: Argv) {
  return instanceName(builder, nameOrBeginning).options(inspectOptionTable).check(refuseRepeated);
}

function publishOptions(builder: Argv) {
  return instanceName(builder)
    .options(publishOptionTable)
    .check(refuseRepeated)
    .example('$0 web -p 9000:9000/udp', 'one more port of what web leads to');
}

function unpublishOptions(builder: Argv) {
  return instanceName(builder)
    .positional('ports', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'Ports at the target: 80, 53/udp; 8080:80 where 80 is published twice',
    })
    .options(unpublishOptionTable)
    .check(refuseRepeated);
}

function stopOptions(builder: Argv) {
  return builder
    .positional('names', { type: 'string', array: true, demandOption: true, describe: nameOf })
    .options(stopOptionTable)
    .check(refuseRepeated);
}

function completionOptions(builder: Argv) {
  return builder
    .positional('shell', { choices: shells, demandOption: true, describe: 'Whose script' })
    .example('source <($0 bash)', 'here and now; in ~/.bashrc for every bash to come')
    .example('source <($0 zsh)', 'the same in ~/.zshrc, after compinit')
    .example('$0 fish > ~/.config/fish/completions/sluice.fish', 'for every fish');
}

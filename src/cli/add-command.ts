/** How a command gets into a parser. */
import type { Argv } from 'yargs';

/** What a command does. */
export type Action = () => Promise<void> | undefined;
export type Choose = (action: Action) => void;

/** Adds a command to a parser: under its name, or as the one that the parser is for ($0), with its positionals. */
export type AddCommand = (parser: Argv, form: string, choose: Choose) => Argv;
